import { asActor, avatar, nameOf } from "../actors.js";
import { clockTime, fullTime, timeAgo } from "../clock.js";
import { h, icon, setText } from "../dom.js";
import { verdictBadge } from "../marks.js";
import { Refresh } from "../refresh.js";
import { hashOf } from "../router.js";
import { plural } from "../text.js";
import { eventIcon, summaryOf } from "./event-row.js";

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
  #says = h("p", { class: "says", role: "status" }, "Reading…");
  #list = h("ol", { class: "trail", "aria-label": "Entries in order" });
  #more = h("button", { type: "button", hidden: true, on: { click: () => this.#readMore() } }, "Show more");

  constructor(app, { id }) {
    super();
    this.#app = app;
    this.#id = id;
  }

  connectedCallback() {
    this.append(h("p", { class: "crumbs" }, h("a", { href: hashOf.agents() }, icon("back"), "Agents")), this.#head, this.#says, this.#list, this.#more);
    this.#app.live.addEventListener("event", ({ detail }) => { if (detail.actor?.id === this.#id) this.#refresh.cue(); }, { signal: this.#stop.signal });
    this.#app.live.addEventListener("reset", () => this.#refresh.cue(), { signal: this.#stop.signal });
    this.#refresh.now();
  }

  disconnectedCallback() {
    this.#stop.abort();
    this.#refresh.stop();
  }

  follow({ id }) { return id === this.#id; }

  async #read() {
    try {
      const pages = [await this.#app.api.audit(this.#id, undefined, this.#stop.signal)];
      let items = pages[0].items;
      let { next } = pages[0];
      while (next && items.length < this.#items.length) { // as many pages as were open before
        const page = await this.#app.api.audit(this.#id, next, this.#stop.signal);
        items = [...items, ...page.items];
        next = page.next;
      }
      this.#items = items;
      this.#next = next;
      this.#show(pages[0]);
    } catch (problem) {
      if (problem.name !== "AbortError" && problem.status !== 401) setText(this.#says, [problem.message, problem.hint].filter(Boolean).join(" "));
    }
  }

  async #readMore() {
    this.#more.disabled = true;
    try {
      const page = await this.#app.api.audit(this.#id, this.#next, this.#stop.signal);
      this.#items = [...this.#items, ...page.items];
      this.#next = page.next;
      this.#show(page);
    } catch (problem) {
      this.#app.toasts.refuse(problem);
    } finally {
      this.#more.disabled = false;
    }
  }

  #show({ agent, delegation, chain, total }) {
    document.title = `${agent.name || agent.id} · ${this.#app.me.repository}`;
    this.#head.replaceChildren(identity(agent), delegationCard(delegation), chainCard(chain, agent));
    setText(this.#says, this.#items.length ? "" : "This session has written nothing yet.");
    this.#list.replaceChildren(...rows(this.#items));
    this.#more.hidden = !this.#next || this.#items.length >= MOST_ROWS;
    setText(this.#more, `Show more (${this.#items.length} of ${total})`);
  }
}

function identity(agent) {
  const person = asActor(agent.person);
  return h("div", { class: "trail-who" }, avatar({ ...agent, session: agent.id, person: person?.id }, "large"),
    h("div", {}, h("h1", {}, agent.name || agent.id, agent.active && h("span", { class: "active-now" }, "active")),
      h("p", { class: "quiet" }, [agent.client, `for ${nameOf(person)}`, plural(agent.events ?? 0, "event"), plural(agent.issues ?? 0, "issue")].filter(Boolean).join(" · ")),
      h("p", { class: "quiet" }, "Session ", h("code", {}, agent.id), ", started ", timeAgo(agent.started_at), ", last seen ", timeAgo(agent.last_at))));
}

function delegationCard(delegation) {
  if (!delegation) return h("section", { class: "card bad", data: { delegation: "missing" } }, h("h2", {}, icon("key"), "Delegation"), h("p", {}, "No certificate for this session is known here, so nobody vouches for it."));
  const over = delegation.valid_before && new Date(delegation.valid_before) < new Date();
  return h("section", { class: "card", data: { delegation: "known" } }, h("h2", {}, icon("key"), "Delegation"),
    h("dl", { class: "facts" },
      ...fact("Delegated by", delegation.person_name || delegation.person), ...fact("Key of the person", h("code", {}, delegation.person_key)),
      ...fact("Key of the session", h("code", {}, delegation.key)), ...fact("Certificate", `serial ${delegation.serial}${delegation.label ? `, “${delegation.label}”` : ""}${delegation.client ? `, ${delegation.client}` : ""}`),
      ...fact("Valid", `${fullTime(delegation.valid_after)} to ${fullTime(delegation.valid_before)}${over ? " (over)" : ""}`), ...fact("Scope", scopeText(delegation.scope))));
}

function chainCard(chain, agent) {
  const gaps = chain?.gaps ?? [];
  const forks = chain?.forks ?? [];
  const state = chain?.ok ? "ok" : forks.length ? "forks" : gaps.length ? "gaps" : "broken";
  const words = { ok: "Unbroken: every entry names the one before it.", gaps: "Entries are missing from this chain.", forks: "Two entries claim the same place in this chain.", broken: "The chain does not hold." };
  const list = (title, things) => things.length > 0 && h("div", { class: "chain-list" }, h("h3", {}, title), h("ul", {}, things.slice(0, 50).map((thing) => h("li", {}, h("code", {}, describe(thing))))));
  return h("section", { class: `card ${chain?.ok ? "good" : "bad"}`, data: { chain: state } }, h("h2", {}, icon(chain?.ok ? "ok" : "quarantined"), "Chain"),
    h("p", {}, plural(chain?.entries ?? 0, "entry", "entries"), ". ", words[state]),
    h("p", { class: "verdict-row" }, [["ok", agent.ok], ["muted", agent.muted], ["quarantined", agent.quarantined]].filter(([, count]) => count).map(([verdict, count]) => h("span", { class: "verdict-count" }, count.toLocaleString("en"), " ", verdictBadge(verdict)))),
    list("Gaps", gaps), list("Forks", forks));
}

function rows(items) {
  const places = new Map();
  for (const { n } of items) places.set(n, (places.get(n) ?? 0) + 1);
  let before = null;
  return items.flatMap((item) => {
    const out = [];
    if (before && item.n > before.n + 1) out.push(h("li", { class: "trail-gap", data: { gap: `${before.n + 1}-${item.n - 1}` } }, icon("quarantined"), item.n === before.n + 2 ? `Entry ${before.n + 1} is missing` : `Entries ${before.n + 1} to ${item.n - 1} are missing`));
    before = item;
    out.push(trailRow(item, places.get(item.n) > 1));
    return out;
  });
}

function trailRow(item, forked) {
  return h("li", { class: "trail-entry", data: { entry: item.entry, verdict: item.verdict, n: item.n, fork: forked ? "true" : null } },
    h("span", { class: "trail-n", title: `Number ${item.n} of its chain` }, item.n),
    h("div", { class: "event-body" },
      h("p", { class: "event-what" }, h("a", { class: "event-issue", href: hashOf.issue(item.issue), title: item.title }, h("span", { class: "short" }, item.short), h("span", { class: "event-title" }, item.title))),
      ...(item.events ?? []).map((event) => h("p", { class: "event-line" }, h("span", { class: "event-summary" }, eventIcon(event.type), " ", summaryOf(event)))),
      item.verdict !== "ok" && item.reason && h("p", { class: "trail-reason" }, item.reason),
      forked && h("p", { class: "trail-reason" }, "Fork: another entry has this number too."),
      h("p", { class: "trail-ids" }, h("code", { title: item.entry }, String(item.entry).slice(0, 10)), item.prev ? [" after ", h("code", { title: item.prev }, String(item.prev).slice(0, 10))] : " first of its chain")),
    h("div", { class: "event-end" }, verdictBadge(item.verdict, item.reason), h("time", { datetime: item.at, title: fullTime(item.at) }, clockTime(item.at))));
}

function fact(word, value) { return value === undefined || value === null || value === "" ? [] : [h("dt", {}, word), h("dd", {}, value)]; }

function scopeText(scope) {
  if (!scope || (typeof scope === "object" && !Object.keys(scope).length)) return "everything its person may do";
  return describe(scope);
}

/** Any small value of the API as one line: `n 4, after 1a2b` for an object, `a, b` for a list. */
function describe(value) {
  if (Array.isArray(value)) return value.map(describe).join(", ");
  if (value && typeof value === "object") return Object.entries(value).map(([key, part]) => `${key} ${describe(part)}`).join(", ");
  return String(value);
}

customElements.define("agent-trail", AgentTrail);
