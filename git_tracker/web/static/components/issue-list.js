import { h, icon, keyed, setText } from "../dom.js";
import { Refresh } from "../refresh.js";
import { hashOf } from "../router.js";
import { emptyTracker } from "./empty.js";
import { showRow } from "./issue-row.js";
import { RepositoryPicker } from "./repository-picker.js";

const PAGE = 50;
const COLUMNS = [
  ["title", "Issue", "asc"],
  ["status", "Status", "asc"],
  ["priority", "Priority", "asc"],
  ["", "Assignee"],
  ["created", "Created", "desc"],
  ["updated", "Updated", "desc"],
];
const SORT = /(?:^|\s)sort:([a-z_]+)(?:-(asc|desc))?(?=\s|$)/;

/** All issues that match a query, a page at a time. The sort order is part of the query, so an address says everything. */
export class IssueList extends HTMLElement {
  #app;
  #query;
  #cursors = [undefined]; // where each page up to the shown one began
  #next = null;
  #stop = new AbortController();
  #refresh = new Refresh(() => this.#read(), 1000);
  #field = h("input", {
    type: "search",
    class: "filter",
    placeholder: "status:todo label:bug -label:wontfix assignee:me is:ready priority:<=1",
    "aria-label": "Query",
    autocomplete: "off",
    spellcheck: "false",
    maxlength: "1000",
  });
  #repositories;
  #says = h("p", { class: "says", role: "status" });
  #head = h("tr");
  #body = h("tbody");
  #table = h("table", { class: "issues", "aria-busy": "true" }, h("thead", {}, this.#head), this.#body);
  #range = h("span", { class: "quiet", role: "status" });
  #back = h("button", { type: "button", disabled: true, on: { click: () => this.#turn(-1) } }, icon("back"), "Previous");
  #forth = h("button", { type: "button", disabled: true, on: { click: () => this.#turn(+1) } }, "Next", icon("right"));

  constructor(app, { params }) {
    super();
    this.#app = app;
    this.#query = params.get("q") ?? "";
    this.#repositories = new RepositoryPicker(app, (query) => this.#ask(query));
  }

  connectedCallback() {
    const { signal } = this.#stop;
    document.title = `Issues · ${this.#app.me.repository}`;
    this.append(
      h(
        "div",
        { class: "toolbar" },
        h("h1", {}, "Issues"),
        this.#repositories,
        h(
          "form",
          {
            class: "filter-box",
            on: {
              submit: (event) => {
                event.preventDefault();
                this.#ask(this.#field.value.trim());
              },
            },
          },
          icon("filter"),
          this.#field,
        ),
      ),
      this.#says,
      h("div", { class: "table-scroll" }, this.#table),
      h("nav", { class: "pager", "aria-label": "Pages of the list" }, this.#range, this.#back, this.#forth),
    );
    for (const type of ["event", "reset"]) this.#app.live.addEventListener(type, () => this.#refresh.cue(), { signal });
    this.#start();
  }

  disconnectedCallback() {
    this.#stop.abort();
    this.#refresh.stop();
  }

  follow({ params }) {
    const query = params.get("q") ?? "";
    if (query !== this.#query) {
      this.#query = query;
      this.#start();
    }
    return true;
  }

  #start() {
    this.#cursors = [undefined];
    this.#field.value = this.#query;
    this.#repositories.show(this.#query);
    this.#showHead();
    this.#refresh.now();
  }

  #ask(query) {
    this.#app.router.go(hashOf.list(query));
  }

  #turn(step) {
    if (step > 0) this.#cursors.push(this.#next);
    else this.#cursors.pop();
    this.#back.disabled = this.#forth.disabled = true; // until that page is here
    this.#refresh.now().then(() => this.#table.scrollIntoView({ block: "start" }));
  }

  async #read() {
    const [query, cursor] = [this.#query, this.#cursors.at(-1)];
    this.#table.setAttribute("aria-busy", "true");
    try {
      const page = await this.#app.api.issues({ q: query, limit: PAGE, cursor }, this.#stop.signal);
      if (query === this.#query && cursor === this.#cursors.at(-1)) this.#show(page);
      else this.#refresh.cue();
    } catch (problem) {
      if (problem.name === "AbortError" || problem.status === 401) return;
      if (problem.code === "epoch_changed" && cursor) {
        this.#cursors = [undefined];
        return this.#refresh.cue();
      }
      if (problem.status >= 400 && problem.status < 500) {
        this.#show({ items: [], next: null, total: 0 });
        this.querySelector(".empty")?.remove(); // not that nothing matches: nobody looked
      }
      setText(this.#says, [problem.message, problem.hint].filter(Boolean).join(" "));
    } finally {
      this.#table.removeAttribute("aria-busy");
    }
  }

  #show({ items, next, total }) {
    this.#app.words.learn(items);
    this.#next = next;
    setText(this.#says, "");
    keyed(
      this.#body,
      items,
      ({ id }) => id,
      (row) => showRow(h("tr"), row, this.#app.words),
      (element, row) => showRow(element, row, this.#app.words),
    );
    this.querySelector(".empty")?.remove();
    if (!items.length)
      this.#table.parentElement.before(
        this.#query
          ? h(
              "section",
              { class: "empty" },
              h("h2", {}, "Nothing matches"),
              h("p", {}, "Take a word away, or look at all issues."),
              h("a", { class: "button", href: hashOf.list() }, "Show all issues"),
            )
          : emptyTracker(this.#app.me),
      );
    this.#table.hidden = !items.length;
    const before = (this.#cursors.length - 1) * PAGE;
    setText(
      this.#range,
      items.length
        ? `${(before + 1).toLocaleString("en")} to ${(before + items.length).toLocaleString("en")} of ${Number(total).toLocaleString("en")}`
        : "",
    );
    this.#back.disabled = this.#cursors.length === 1;
    this.#forth.disabled = !next;
  }

  #showHead() {
    const focused = this.#head.contains(document.activeElement) && document.activeElement.dataset.sort;
    const [, sorted, direction = "asc"] = this.#query.match(SORT) ?? [];
    this.#head.replaceChildren(
      ...COLUMNS.map(([key, label, first]) => {
        const on = key && sorted === key;
        const next = on ? (direction === "asc" ? "desc" : "asc") : first;
        return h(
          "th",
          { scope: "col", "aria-sort": on ? `${direction}ending` : null, class: `col-${label.toLowerCase()}` },
          key
            ? h(
                "button",
                {
                  type: "button",
                  class: "bare",
                  data: { sort: key },
                  on: { click: () => this.#ask(`${this.#query.replace(SORT, " ").trim()} sort:${key}-${next}`.trim()) },
                },
                label,
                on && h("span", { class: `icon i-down ${direction}` }),
              )
            : label,
        );
      }),
    );
    if (focused) this.#head.querySelector(`[data-sort="${focused}"]`).focus();
  }
}

customElements.define("issue-list", IssueList);
