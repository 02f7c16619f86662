import { h, icon, setText } from "../dom.js";
import { Refresh } from "../refresh.js";
import { hashOf } from "../router.js";
import { chainCard, delegationCard, identity, reopenedCard } from "./trail-cards.js";
import { TrailCheck } from "./trail-check.js";
import { TrailFilters } from "./trail-filters.js";
import { trailRows } from "./trail-rows.js";

const MOST_ROWS = 1000;

/** Everything one agent did: who let it, with which key, and each signed entry in the order of its chain. */
export class AgentTrail extends HTMLElement {
  #app;
  #id;
  #next = null;
  #items = [];
  #stop = new AbortController();
  #refresh = new Refresh(() => this.#read(), 2000);
  #head = h("div", { class: "trail-head" });
  #filters = new TrailFilters();
  #check;
  #checked = new Map();
  #chain = null;
  #says = h("p", { class: "says", role: "status" }, "Reading…");
  #list = h("ol", { class: "trail", "aria-label": "Entries in order" });
  #more = h("button", { type: "button", hidden: true, on: { click: () => this.#readMore() } }, "Show more");

  constructor(app, { id }) {
    super();
    this.#app = app;
    this.#id = id;
    this.#check = new TrailCheck(app, id);
  }

  connectedCallback() {
    this.append(
      h("p", { class: "crumbs" }, h("a", { href: hashOf.agents() }, icon("back"), "Agents")),
      this.#head,
      this.#filters,
      this.#says,
      this.#list,
      this.#more,
    );
    this.#filters.addEventListener("change", () => {
      this.#items = [];
      this.#refresh.now();
    });
    this.#check.addEventListener("checked", ({ detail }) => {
      this.#checked = detail;
      this.#list.replaceChildren(...trailRows(this.#items, this.#chain, this.#checked));
    });
    this.#app.live.addEventListener(
      "event",
      ({ detail }) => {
        if (detail.actor?.id === this.#id) this.#refresh.cue();
      },
      { signal: this.#stop.signal },
    );
    this.#app.live.addEventListener("reset", () => this.#refresh.cue(), { signal: this.#stop.signal });
    this.#refresh.now();
  }

  disconnectedCallback() {
    this.#stop.abort();
    this.#refresh.stop();
  }

  follow({ id }) {
    return id === this.#id;
  }

  async #read() {
    try {
      const pages = [await this.#app.api.audit(this.#id, this.#filters.only, undefined, this.#stop.signal)];
      let items = pages[0].items;
      let { next } = pages[0];
      while (next && items.length < this.#items.length) {
        // as many pages as were open before
        const page = await this.#app.api.audit(this.#id, this.#filters.only, next, this.#stop.signal);
        items = [...items, ...page.items];
        next = page.next;
      }
      this.#items = items;
      this.#next = next;
      this.#show(pages[0]);
    } catch (problem) {
      if (problem.name !== "AbortError" && problem.status !== 401)
        {
        setText(this.#says, [problem.message, problem.hint].filter(Boolean).join(" "));
        this.#list.replaceChildren();
        this.#more.hidden = true;
      }
    }
  }

  async #readMore() {
    this.#more.disabled = true;
    try {
      const page = await this.#app.api.audit(this.#id, this.#filters.only, this.#next, this.#stop.signal);
      this.#items = [...this.#items, ...page.items];
      this.#next = page.next;
      this.#show(page, false);
    } catch (problem) {
      this.#app.toasts.refuse(problem);
    } finally {
      this.#more.disabled = false;
    }
  }

  #show({ agent, delegation, chain, reopened, total }, first = true) {
    document.title = `${agent.name || agent.id} · ${this.#app.me.repository}`;
    this.#chain = chain;
    if (first) this.#head.replaceChildren(
        identity(agent),
        delegationCard(delegation, agent),
        chainCard(chain, agent),
        this.#check,
        ...reopenedCard(reopened),
      );
    setText(this.#says, this.#items.length ? "" : "Nothing of this agent matches.");
    this.#list.replaceChildren(...trailRows(this.#items, chain, this.#checked));
    this.#more.hidden = !this.#next || this.#items.length >= MOST_ROWS;
    setText(this.#more, `Show more (${this.#items.length} of ${total})`);
  }
}

customElements.define("agent-trail", AgentTrail);
