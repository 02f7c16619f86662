import { h, icon, keyed, setText } from "../dom.js";
import { statusMark } from "../marks.js";
import { hashOf } from "../router.js";
import { BoardCard } from "./board-card.js";

/** One status of the board: its count, its newest cards, and the way to the rest. */
export class BoardColumn extends HTMLElement {
  #app;
  #create;
  #count = h("span", { class: "total" });
  #cards = h("div", { class: "cards", role: "list" });
  #more = h("a", { class: "column-more" });
  #none = h("p", { class: "none" });

  constructor(app, create) {
    super();
    this.#app = app;
    this.#create = create;
    this.className = "column";
  }

  show({ status, category, title, total, items }, { most, query, flash }) {
    if (!this.firstElementChild) this.#build({ status, category, title: title || status });
    const shown = items.slice(0, most);
    setText(this.#count, total.toLocaleString("en"));
    const writable = this.#app.me.role !== "observer";
    keyed(
      this.#cards,
      shown,
      ({ id }) => id,
      (row) => {
        const card = new BoardCard(row, writable);
        if (flash) card.flash();
        return card;
      },
      (card, row) => {
        if (card.show(row) && flash) card.flash();
      },
    );
    this.#more.hidden = total <= shown.length;
    this.#more.href = hashOf.list([`status:${quote(status)}`, query].filter(Boolean).join(" "));
    setText(this.#more, `${(total - shown.length).toLocaleString("en")} more`);
    this.#none.hidden = total > 0;
    setText(this.#none, query ? "Nothing here matches the filter." : "No issues here.");
  }

  #build({ status, category, title }) {
    this.dataset.status = status;
    this.dataset.category = category;
    this.setAttribute("role", "group");
    this.setAttribute("aria-label", title);
    this.append(
      h(
        "header",
        {},
        h("h2", {}, statusMark({ status, category, title })),
        this.#count,
        h(
          "button",
          {
            type: "button",
            class: "bare",
            data: { write: "", action: "new-here" },
            title: `New issue in ${title}`,
            "aria-label": `New issue in ${title}`,
            on: { click: () => this.#create(status) },
          },
          icon("plus"),
        ),
      ),
      h("div", { class: "scroll" }, this.#cards, this.#none, this.#more),
    );
  }
}

function quote(word) {
  return /\s/.test(word) ? `"${word}"` : word;
}

customElements.define("board-column", BoardColumn);
