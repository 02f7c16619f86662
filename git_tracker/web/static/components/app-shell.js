import { h } from "../dom.js";
import { hashOf } from "../router.js";
import { ActivityPage } from "./activity-page.js";
import { AgentTrail } from "./agent-trail.js";
import { AgentsPage } from "./agents-page.js";
import { BoardPage } from "./board-page.js";
import { IssueList } from "./issue-list.js";
import { IssuePanel } from "./issue-panel.js";
import { openNewIssue } from "./new-issue.js";
import { QuarantinePage } from "./quarantine-page.js";
import { listenForKeys } from "./shortcuts.js";
import { TopBar } from "./top-bar.js";

/** Header, the page of the current route, and the issue panel beside it. */
export class AppShell extends HTMLElement {
  #app;
  #stop = new AbortController();
  #outlet = h("div", { id: "page", tabindex: "-1" });
  #panel = null;
  #bar;

  constructor(app) {
    super();
    this.#app = app;
    this.#bar = new TopBar(app, () => this.#create());
  }

  connectedCallback() {
    const { signal } = this.#stop;
    const { router } = this.#app;
    this.append(
      h(
        "a",
        {
          class: "skip",
          href: "#page",
          on: {
            click: (event) => {
              event.preventDefault();
              this.#outlet.focus();
            },
          },
        },
        "Skip to content",
      ),
      this.#bar,
      h("main", { class: "stage" }, this.#outlet),
    );
    router.addEventListener("route", ({ detail }) => this.#show(detail), { signal });
    listenForKeys(
      {
        "/": () => this.#bar.focusSearch(),
        c: () => this.#create(),
        g: { b: hashOf.board(), i: hashOf.list(), a: hashOf.activity(), g: hashOf.agents() },
        Escape: () => this.#panel && this.#closePanel(),
      },
      (hash) => router.go(hash),
      signal,
    );
  }

  disconnectedCallback() {
    this.#stop.abort();
  }

  #show(route) {
    if (route.name === "issue") {
      if (!this.#outlet.firstElementChild) this.#place({ name: "board", params: new URLSearchParams() });
      this.#openPanel(route.id);
    } else {
      this.#closePanel(false);
      this.#place(route);
    }
    this.#bar.show(this.#outlet.dataset.page);
  }

  #place(route) {
    const Page = {
      board: BoardPage,
      list: IssueList,
      activity: ActivityPage,
      agents: route.id ? AgentTrail : AgentsPage,
      quarantine: QuarantinePage,
    }[route.name];
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

  #create(fields) {
    if (this.#app.me.role !== "observer") openNewIssue(this.#app, fields);
  }
}

customElements.define("app-shell", AppShell);
