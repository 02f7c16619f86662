import { avatar } from "../actors.js";
import { h, icon, keyed } from "../dom.js";
import { hashOf } from "../router.js";
import { QuarantineLink } from "./quarantine-link.js";
import { ThemeToggle } from "./theme-toggle.js";

const NAVIGATION = [
  ["board", "Board", "board", hashOf.board()],
  ["list", "Issues", "list", hashOf.list()],
  ["activity", "Activity", "activity", hashOf.activity()],
  ["agents", "Agents", "agents", hashOf.agents()],
];
const LIVE_WORDS = {
  websocket: ["Live", "Connected over WebSocket"],
  sse: ["Live", "Connected over server-sent events"],
  connecting: ["Reconnecting", "The connection is being made again"],
};
const MOST_PEOPLE = 5;

/** Name, pages, search, who is here, whether the page is live, and the way to a new issue. */
export class TopBar extends HTMLElement {
  #app;
  #create;
  #stop = new AbortController();
  #links = new Map(
    NAVIGATION.map(([name, label, drawing, href]) => [
      name,
      h("a", { href, data: { nav: name } }, icon(drawing), h("span", {}, label)),
    ]),
  );
  #live = h("span", { class: "live", role: "status" });
  #people = h("span", { class: "people", role: "group", "aria-label": "People here now" });
  #search = h("input", {
    type: "search",
    name: "q",
    class: "search",
    placeholder: "Search issues",
    title: "Words, and filters such as status:todo label:bug assignee:me is:ready",
    "aria-label": "Search issues",
    autocomplete: "off",
    spellcheck: "false",
    maxlength: "1000",
    "aria-keyshortcuts": "/",
  });

  constructor(app, create) {
    super();
    this.#app = app;
    this.#create = create;
  }

  connectedCallback() {
    const { live, me, router } = this.#app;
    const { signal } = this.#stop;
    this.append(
      h(
        "header",
        { class: "top" },
        h(
          "a",
          { class: "brand", href: hashOf.board() },
          h("img", { src: "/static/icon.svg", alt: "", width: "22", height: "22" }),
          h("span", { class: "product" }, "git-tracker"),
          h("span", { class: "repository", title: `Repository ${me.repository}` }, me.repository),
        ),
        h("nav", { "aria-label": "Pages" }, [...this.#links.values()]),
        h(
          "form",
          {
            role: "search",
            class: "find",
            on: {
              submit: (event) => {
                event.preventDefault();
                router.go(hashOf.list(this.#search.value.trim()));
              },
              keydown: (event) => {
                if (event.key === "Escape") this.#search.blur();
              },
            },
          },
          icon("search"),
          this.#search,
          h("kbd", { "aria-hidden": "true" }, "/"),
        ),
        new QuarantineLink(this.#app),
        this.#people,
        this.#live,
        new ThemeToggle(),
        me.role === "observer" &&
          h("span", { class: "observer", title: "This token may read and not write" }, "read only"),
        h(
          "button",
          {
            type: "button",
            class: "primary new",
            data: { write: "", action: "new-issue" },
            "aria-keyshortcuts": "c",
            title: "New issue (c)",
            "aria-label": "New issue",
            on: { click: () => this.#create() },
          },
          icon("plus"),
          h("span", {}, "New issue"),
        ),
      ),
    );
    live.addEventListener("state", () => this.#showLive(), { signal });
    live.addEventListener("presence", ({ detail }) => this.#showPeople(detail), { signal });
    this.#showLive();
    this.#showPeople(live.people);
  }

  disconnectedCallback() {
    this.#stop.abort();
  }

  focusSearch() {
    this.#search.focus();
  }

  /** Marks the page that is shown. */
  show(name) {
    for (const [other, link] of this.#links) {
      if (other === name) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
  }

  #showLive() {
    const { state } = this.#app.live;
    const [word, title] = LIVE_WORDS[state];
    this.#live.dataset.live = state;
    this.#live.title = title;
    this.#live.replaceChildren(h("span", { class: "word" }, word));
  }

  #showPeople(people) {
    const each = people
      .filter(({ name }, at) => people.findIndex((one) => one.name === name) === at)
      .slice(0, MOST_PEOPLE);
    keyed(
      this.#people,
      each,
      ({ name }) => name,
      (person) => avatar({ ...person, session: "" }),
    );
  }
}

customElements.define("top-bar", TopBar);
