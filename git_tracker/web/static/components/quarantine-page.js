import { actorName } from "../actors.js";
import { timeAgo } from "../clock.js";
import { h, keyed, setText } from "../dom.js";
import { verdictBadge } from "../marks.js";
import { Refresh } from "../refresh.js";
import { hashOf } from "../router.js";

/** Entries that do not count, each with the reason; a member may let one count that was only not allowed. */
export class QuarantinePage extends HTMLElement {
  #app;
  #items = [];
  #next = null;
  #stop = new AbortController();
  #refresh = new Refresh(() => this.#read(), 2000);
  #count = h("span", { class: "quiet", role: "status" });
  #says = h("p", { class: "says", role: "status" });
  #list = h("ul", { class: "apart-list", "aria-label": "Entries that do not count", "aria-busy": "true" });
  #more = h("button", { type: "button", hidden: true, on: { click: () => this.#readMore() } }, "Show more");

  constructor(app) {
    super();
    this.#app = app;
  }

  connectedCallback() {
    document.title = `Quarantine · ${this.#app.me.repository}`;
    this.append(
      h("div", { class: "toolbar" }, h("h1", {}, "Quarantine"), this.#count),
      h(
        "p",
        { class: "quiet apart-about" },
        "Nothing is dropped in silence: what is badly signed, not allowed, or waits for something that is not here yet is kept, listed, and without effect.",
      ),
      this.#says,
      this.#list,
      this.#more,
    );
    for (const type of ["event", "reset"])
      this.#app.live.addEventListener(type, () => this.#refresh.cue(), { signal: this.#stop.signal });
    this.#refresh.now();
  }

  disconnectedCallback() {
    this.#stop.abort();
    this.#refresh.stop();
  }

  follow() {
    return true;
  }

  async #read() {
    try {
      let page = await this.#app.api.quarantine(undefined, this.#stop.signal);
      let items = page.items;
      while (page.next && items.length < this.#items.length) {
        // as many pages as were open before
        page = await this.#app.api.quarantine(page.next, this.#stop.signal);
        items = [...items, ...page.items];
      }
      this.#show(items, page);
    } catch (problem) {
      if (problem.name !== "AbortError" && problem.status !== 401) setText(this.#says, problem.message);
    } finally {
      this.#list.removeAttribute("aria-busy");
    }
  }

  async #readMore() {
    this.#more.disabled = true;
    try {
      const page = await this.#app.api.quarantine(this.#next, this.#stop.signal);
      this.#show([...this.#items, ...page.items], page);
    } catch (problem) {
      this.#app.toasts.refuse(problem);
    } finally {
      this.#more.disabled = false;
    }
  }

  #show(items, { next, total }) {
    this.#items = items;
    this.#next = next;
    setText(this.#count, total ? total.toLocaleString("en") : "");
    setText(this.#says, total ? "" : "Everything that is here counts.");
    keyed(
      this.#list,
      items,
      ({ entry, issue, reason }) => `${entry} ${issue} ${reason}`,
      (item) => this.#row(item),
    );
    this.#more.hidden = !next;
    setText(this.#more, `Show more (${items.length} of ${total})`);
  }

  #row(item) {
    return h(
      "li",
      { class: "apart", data: { entry: item.entry, verdict: item.verdict } },
      h(
        "p",
        { class: "apart-what" },
        verdictBadge(item.verdict),
        item.issue &&
          h(
            "a",
            { class: "event-issue", href: hashOf.issue(item.issue), title: item.title },
            h("span", { class: "short" }, item.short),
            h("span", { class: "event-title" }, item.title || "an issue that cannot be read"),
          ),
      ),
      h("p", { class: "apart-reason" }, item.reason),
      h(
        "p",
        { class: "quiet apart-who" },
        item.actor ? actorName(item.actor) : "signed by nobody, as far as can be checked",
        item.actor && [", ", timeAgo(item.at)],
        ", ",
        h("code", { title: item.entry }, item.entry.slice(0, 12)),
      ),
      item.adoptable &&
        h(
          "button",
          {
            type: "button",
            data: { write: "", action: "adopt" },
            title: "Signs an entry of the trust log that says so",
            on: { click: ({ currentTarget }) => this.#adopt(item, currentTarget) },
          },
          "Let it count",
        ),
    );
  }

  async #adopt({ entry }, button) {
    button.disabled = true;
    try {
      await this.#app.api.adopt([entry]);
      this.#app.toasts.say("It counts from now on.");
    } catch (problem) {
      this.#app.toasts.refuse(problem);
      button.disabled = false;
    }
    this.#refresh.now();
  }
}

customElements.define("quarantine-page", QuarantinePage);
