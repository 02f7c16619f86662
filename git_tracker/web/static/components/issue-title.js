import { h, icon, setText } from "../dom.js";
import { hasUnusual } from "../text.js";

/** The title; a click (or Enter on it) turns it into a field. */
export class IssueTitle extends HTMLElement {
  #act;
  #title = "";
  #heading = h("h1", { class: "issue-title" });
  #edit = h(
    "button",
    {
      type: "button",
      class: "bare",
      title: "Edit the title",
      "aria-label": "Edit the title",
      data: { write: "", action: "edit-title" },
      on: { click: () => this.#open() },
    },
    icon("edit"),
  );
  #writable;

  constructor(app, act) {
    super();
    this.#act = act;
    this.#writable = app.me.role !== "observer";
  }

  connectedCallback() {
    if (this.firstElementChild) return;
    this.append(this.#heading, this.#edit);
    this.#heading.addEventListener("dblclick", () => this.#open());
  }

  show({ title }) {
    this.#title = title;
    setText(this.#heading, title);
  }

  #open() {
    if (!this.#writable || this.querySelector("form")) return;
    const field = h("input", {
      type: "text",
      value: this.#title,
      "aria-label": "Title",
      maxlength: "512",
      required: true,
    });
    const close = () => {
      form.remove();
      this.append(this.#heading, this.#edit);
      this.#act.editing(false);
      this.#edit.focus();
    };
    const form = h(
      "form",
      {
        class: "title-form",
        on: {
          submit: async (event) => {
            event.preventDefault();
            const title = field.value.trim();
            if (!title) return;
            if (title === this.#title || (await this.#act.change({ title }))) close();
          },
          keydown: (event) => {
            if (event.key === "Escape") {
              event.stopPropagation();
              close();
            }
          },
        },
      },
      field,
      h("button", { type: "submit", class: "primary" }, "Save"),
      h("button", { type: "button", on: { click: close } }, "Cancel"),
      hasUnusual(this.#title) &&
        h(
          "p",
          { class: "quiet" },
          "This title holds invisible or reordering characters; the page shows them as escapes.",
        ),
    );
    this.replaceChildren(form);
    this.#act.editing(true);
    field.focus();
    field.select();
  }
}

customElements.define("issue-title", IssueTitle);
