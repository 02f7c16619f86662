import { avatar } from "../actors.js";
import { h, icon, keyed } from "../dom.js";
import { hashOf } from "../router.js";
import { ActivityPage } from "./activity-page.js";
import { AgentTrail } from "./agent-trail.js";
import { AgentsPage } from "./agents-page.js";
import { BoardPage } from "./board-page.js";
import { IssueList } from "./issue-list.js";
import { IssuePanel } from "./issue-panel.js";
import { openNewIssue } from "./new-issue.js";
import { listenForKeys } from "./shortcuts.js";
import { ThemeToggle } from "./theme-toggle.js";

const NAVIGATION = [
  ["board", "Board", "board", hashOf.board()], ["list", "Issues", "list", hashOf.list()],
  ["activity", "Activity", "activity", hashOf.activity()], ["agents", "Agents", "agents", hashOf.agents()],
];
const LIVE_WORDS = { websocket: ["Live", "Connected over WebSocket"], sse: ["Live", "Connected over server-sent events"], connecting: ["Reconnecting", "The connection is being made again"] };

/** Header, the page of the current route, and the issue panel beside it. */
export class AppShell extends HTMLElement {
  #app;
  #stop = new AbortController();
  #outlet = h("div", { id: "page", tabindex: "-1" });
  #panel = null;
  #links;
  #live = h("span", { class: "live", role: "status" });
  #people = h("span", { class: "people", "aria-label": "People here now" });
  #search = h("input", { type: "search", name: "q", class: "search", placeholder: "Search issues", title: "Words, and filters such as status:todo label:bug assignee:me is:ready", "aria-label": "Search issues", autocomplete: "off", spellcheck: "false", maxlength: "1000", "aria-keyshortcuts": "/" });

  constructor(app) {
    super();
    this.#app = app;
  }

  connectedCallback() {
    const { signal } = this.#stop;
    const { live, router } = this.#app;
    this.append(h("a", { class: "skip", href: "#page", on: { click: (event) => { event.preventDefault(); this.#outlet.focus(); } } }, "Skip to content"), this.#header(), h("main", { class: "stage" }, this.#outlet));
    router.addEventListener("route", ({ detail }) => this.#show(detail), { signal });
    live.addEventListener("state", () => this.#showLive(), { signal });
    live.addEventListener("presence", ({ detail }) => this.#showPeople(detail), { signal });
    listenForKeys({ "/": () => this.#search.focus(), c: () => this.#create(), g: { b: hashOf.board(), i: hashOf.list(), a: hashOf.activity(), g: hashOf.agents() },
                    Escape: () => this.#panel && this.#closePanel() }, (hash) => router.go(hash), signal);
    this.#showLive();
  }

  disconnectedCallback() { this.#stop.abort(); }

  #header() {
    const { me } = this.#app;
    this.#links = new Map(NAVIGATION.map(([name, label, drawing, hash]) => [name, h("a", { href: hash, data: { nav: name } }, icon(drawing), h("span", {}, label))]));
    return h("header", { class: "top" },
      h("a", { class: "brand", href: hashOf.board() }, h("img", { src: "/static/icon.svg", alt: "", width: "22", height: "22" }),
        h("span", { class: "product" }, "git-tracker"), h("span", { class: "repository", title: `Repository ${me.repository}` }, me.repository)),
      h("nav", { "aria-label": "Pages" }, [...this.#links.values()]),
      h("form", { role: "search", class: "find", on: { submit: (event) => { event.preventDefault(); this.#app.router.go(hashOf.list(this.#search.value.trim())); }, keydown: (event) => { if (event.key === "Escape") this.#search.blur(); } } }, icon("search"), this.#search, h("kbd", { "aria-hidden": "true" }, "/")),
      this.#people, this.#live, new ThemeToggle(),
      me.role === "observer" && h("span", { class: "observer", title: "This token may read and not write" }, "read only"),
      h("button", { type: "button", class: "primary new", data: { write: "", action: "new-issue" }, "aria-keyshortcuts": "c", title: "New issue (c)", on: { click: () => this.#create() } }, icon("plus"), h("span", {}, "New issue")));
  }

  #show(route) {
    for (const [name, link] of this.#links) link.toggleAttribute("aria-current", false);
    if (route.name === "issue") {
      if (!this.#outlet.firstElementChild) this.#place({ name: "board", params: new URLSearchParams() });
      this.#openPanel(route.id);
    } else {
      this.#closePanel(false);
      this.#place(route);
    }
    this.#links.get(this.#outlet.dataset.page)?.setAttribute("aria-current", "page");
  }

  #place(route) {
    const Page = { board: BoardPage, list: IssueList, activity: ActivityPage, agents: route.id ? AgentTrail : AgentsPage }[route.name];
    this.#outlet.dataset.page = route.name;
    this.#outlet.dataset.hash = location.hash.startsWith("#/issue/") ? hashOf.board() : location.hash || hashOf.board();
    const page = this.#outlet.firstElementChild;
    if (page instanceof Page && page.follow?.(route)) return;
    this.#outlet.replaceChildren(new Page(this.#app, route));
    if (page) this.#outlet.focus({ preventScroll: true });
  }

  #openPanel(id) {
    if (this.#panel?.issue === id) return;
    this.#panel?.remove();
    this.#panel = new IssuePanel(this.#app, id, () => this.#closePanel());
    this.#outlet.after(this.#panel);
    this.dataset.panel = "open";
  }

  #closePanel(go = true) {
    if (!this.#panel) return;
    const id = this.#panel.issue;
    this.#panel.remove();
    this.#panel = null;
    delete this.dataset.panel;
    if (!go) return;
    this.#app.router.go(this.#outlet.dataset.hash);
    this.#outlet.querySelector(`[data-issue="${CSS.escape(id)}"] a`)?.focus();
  }

  #create(fields) { if (this.#app.me.role !== "observer") openNewIssue(this.#app, fields); }

  #showLive() {
    const { state } = this.#app.live;
    const [word, title] = LIVE_WORDS[state];
    this.#live.dataset.live = state;
    this.#live.title = title;
    this.#live.replaceChildren(h("span", { class: "word" }, word));
  }

  #showPeople(people) {
    const others = people.filter(({ id }, at) => people.findIndex((one) => one.id === id) === at).slice(0, 5);
    keyed(this.#people, others, ({ id }) => id, (person) => avatar({ ...person, session: "" }), (element, person) => {
      element.title = `${person.name}${person.viewing ? ", looking at an issue" : ""}`;
    });
  }
}

customElements.define("app-shell", AppShell);
