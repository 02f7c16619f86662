import { h, icon, keyed, setText } from "../dom.js";
import { Refresh } from "../refresh.js";
import { hashOf } from "../router.js";
import { plural } from "../text.js";
import { ActivityFeed } from "./activity-feed.js";
import { BoardColumn } from "./board-column.js";
import { moveByDrag } from "./board-drag.js";
import { moveByKeys } from "./board-keys.js";
import { emptyTracker } from "./empty.js";
import { openNewIssue } from "./new-issue.js";
import { RepositoryPicker } from "./repository-picker.js";

const CONFLICTED = "is:conflicted";

const CARDS_ON_BOARD = 150; // with at most 50 a column: the board stays below 3,000 elements however many issues there are

/** The board: one column a status, patched in place whenever the live class rings. */
export class BoardPage extends HTMLElement {
  #app;
  #query;
  #stop = new AbortController();
  #refresh = new Refresh(() => this.#read());
  #columns = h("div", { class: "columns", "aria-busy": "true" });
  #filter = h("input", {
    type: "search",
    class: "filter",
    placeholder: "Filter this board: label:bug, assignee:me, is:ready",
    "aria-label": "Filter the board",
    autocomplete: "off",
    spellcheck: "false",
    maxlength: "1000",
  });
  #repositories;
  #says = h("p", { class: "says", role: "status" });
  #count = h("span", { class: "quiet", role: "status" });
  #conflicts = h(
    "button",
    { type: "button", class: "conflict-filter", hidden: true, on: { click: () => this.#toggleConflicts() } },
    icon("conflict"),
    h("span", {}),
  );
  #first = true;

  constructor(app, { params }) {
    super();
    this.#app = app;
    this.#query = params.get("q") ?? "";
    this.#repositories = new RepositoryPicker(app, (query) => app.router.go(hashOf.board(query)));
  }

  connectedCallback() {
    const { signal } = this.#stop;
    const { live, me } = this.#app;
    document.title = `Board · ${me.repository}`;
    this.#filter.value = this.#query;
    this.append(
      h(
        "div",
        { class: "board" },
        h(
          "div",
          { class: "toolbar" },
          h("h1", {}, "Board"),
          this.#count,
          this.#repositories,
          this.#conflicts,
          h("label", { class: "filter-box" }, icon("filter"), this.#filter),
        ),
        this.#says,
        this.#columns,
      ),
      h(
        "section",
        { class: "rail", "aria-label": "Activity" },
        h("h2", {}, h("a", { href: hashOf.activity() }, "Activity")),
        new ActivityFeed(this.#app, { rows: 20, slim: true }),
      ),
    );
    this.#repositories.show(this.#query);
    this.#skeleton();
    this.#listenToFilter();
    for (const type of ["event", "reset"])
      live.addEventListener(type, () => this.#dragging || this.#refresh.cue(), { signal });
    this.#columns.addEventListener("dragend", () => this.#refresh.cue());
    if (me.role !== "observer") moveByDrag(this.#columns, (card, status) => this.#move(card, status));
    moveByKeys(this.#columns, this.#app, (card, status) => this.#move(card, status));
    this.#refresh.now();
  }

  disconnectedCallback() {
    this.#stop.abort();
    this.#refresh.stop();
  }

  follow({ params }) {
    const query = params.get("q") ?? "";
    if (query === this.#query) return true;
    this.#query = query;
    this.#repositories.show(query);
    if (document.activeElement !== this.#filter) this.#filter.value = query;
    this.#first = true;
    this.#refresh.now();
    return true;
  }

  #listenToFilter() {
    let timer = 0;
    const apply = () => {
      clearTimeout(timer);
      this.#app.router.replace(hashOf.board(this.#filter.value.trim()));
    };
    this.#filter.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(apply, 250);
    });
    this.#filter.addEventListener("keydown", (event) => {
      if (event.key === "Enter") apply();
      if (event.key === "Escape") {
        this.#filter.value = "";
        apply();
        this.#filter.blur();
      }
    });
  }

  get #dragging() {
    return Boolean(this.#columns.querySelector(".dragged"));
  }

  async #read() {
    const query = this.#query;
    try {
      const [{ columns }, { total }] = await Promise.all([
        this.#app.api.board(query, this.#stop.signal),
        this.#app.api.conflicts({ limit: 1 }, this.#stop.signal),
      ]);
      if (query !== this.#query) return this.#refresh.cue();
      if (this.#dragging) return; // moving a card in the document would end the drag; the end of the drag reads again
      this.#show(columns);
      this.#showConflicts(total, query);
      setText(this.#says, "");
    } catch (problem) {
      if (problem.name === "AbortError" || problem.status === 401) return;
      setText(this.#says, [problem.message, problem.hint].filter(Boolean).join(" "));
    } finally {
      this.#columns.removeAttribute("aria-busy");
    }
  }

  #showConflicts(total, query) {
    const on = query.split(/\s+/).includes(CONFLICTED);
    this.#conflicts.hidden = !total && !on;
    this.#conflicts.setAttribute("aria-pressed", String(on));
    setText(this.#conflicts.lastElementChild, plural(total, "conflict"));
  }

  #toggleConflicts() {
    const words = this.#query.split(/\s+/).filter(Boolean);
    const rest = words.filter((word) => word !== CONFLICTED);
    const query = (rest.length < words.length ? rest : [...words, CONFLICTED]).join(" ");
    this.#filter.value = query;
    this.#app.router.replace(hashOf.board(query));
  }

  #show(columns) {
    const total = columns.reduce((sum, column) => sum + column.total, 0);
    this.#app.words.learnColumns(columns);
    setText(this.#count, total.toLocaleString("en"));
    this.querySelector(".empty")?.remove();
    if (!total && !this.#query) this.#columns.before(emptyTracker(this.#app.me));
    const most = Math.min(50, Math.floor(CARDS_ON_BOARD / Math.max(1, columns.length)));
    const flash = !this.#first;
    this.#first = false;
    const focused = document.activeElement?.closest?.("board-card")?.dataset.issue;
    if (this.#columns.firstElementChild?.classList.contains("skeleton")) this.#columns.replaceChildren();
    keyed(
      this.#columns,
      columns,
      ({ status }) => status,
      (column) => {
        const element = new BoardColumn(this.#app, (status) => openNewIssue(this.#app, { status }));
        element.show(column, { most, query: this.#query, flash: false });
        return element;
      },
      (element, column) => element.show(column, { most, query: this.#query, flash }),
    );
    if (focused && document.activeElement === document.body)
      this.#card(focused)?.querySelector("a").focus({ preventScroll: true }); // it has moved
    if (!this.#columns.querySelector('a.card-title[tabindex="0"]'))
      this.#columns.querySelector("a.card-title")?.setAttribute("tabindex", "0");
  }

  async #move(card, status) {
    const { row } = card;
    if (row.status === status) return;
    card.setAttribute("aria-busy", "true");
    try {
      await this.#app.api.change(row.id, { status });
      await this.#refresh.now();
      const moved = this.#card(row.id);
      moved?.flash();
      if (!moved)
        this.#app.toasts.say(
          `Moved ${row.short} to ${this.#app.words.status(status).title}.`,
          "It stands further down than the cards shown here.",
        );
      return moved;
    } catch (problem) {
      this.#app.toasts.refuse(problem);
    } finally {
      card.removeAttribute("aria-busy");
    }
  }

  #card(id) {
    return this.#columns.querySelector(`board-card[data-issue="${CSS.escape(id)}"]`);
  }

  #skeleton() {
    this.#columns.append(
      ...this.#app.words.statuses.map(() =>
        h(
          "section",
          { class: "column skeleton", "aria-hidden": "true" },
          h("header", {}, h("span", { class: "bone" })),
          h(
            "div",
            { class: "cards" },
            [1, 2, 3].map(() => h("div", { class: "bone card-bone" })),
          ),
        ),
      ),
    );
  }
}

customElements.define("board-page", BoardPage);
