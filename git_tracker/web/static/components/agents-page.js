import { asActor, avatar } from "../actors.js";
import { timeAgo } from "../clock.js";
import { h, keyed, setText } from "../dom.js";
import { Refresh } from "../refresh.js";
import { hashOf } from "../router.js";
import { plural } from "../text.js";
import { connection } from "./empty.js";
import { revokedMark } from "./trail-cards.js";

const MOST_EARLIER = 200;

/** Who works here: every agent session, for whom, how much it did and what its signatures are worth. */
export class AgentsPage extends HTMLElement {
  #app;
  #stop = new AbortController();
  #refresh = new Refresh(() => this.#read(), 2000);
  #says = h("p", { class: "says", role: "status" });
  #count = h("span", { class: "quiet", role: "status" });
  #list = h("div", { class: "agent-cards", "aria-busy": "true" });

  constructor(app) {
    super();
    this.#app = app;
  }

  connectedCallback() {
    document.title = `Agents · ${this.#app.me.repository}`;
    this.append(h("div", { class: "toolbar" }, h("h1", {}, "Agents"), this.#count), this.#says, this.#list);
    for (const type of ["event", "reset"])
      this.#app.live.addEventListener(type, () => this.#refresh.cue(), { signal: this.#stop.signal });
    this.#refresh.now();
  }

  disconnectedCallback() {
    this.#stop.abort();
    this.#refresh.stop();
  }

  follow({ id }) {
    return !id;
  }

  async #read() {
    try {
      const { items, total } = await this.#app.api.agents(this.#stop.signal);
      this.#show(items, total);
    } catch (problem) {
      if (problem.name !== "AbortError" && problem.status !== 401) setText(this.#says, problem.message);
    } finally {
      this.#list.removeAttribute("aria-busy");
    }
  }

  /** The latest of all that wrote here; `total` is how many those are. */
  #show(agents, total) {
    const sorted = agents.toSorted((a, b) => b.active - a.active || String(b.last_at).localeCompare(String(a.last_at)));
    const agentsOnly = sorted.filter(isSession);
    const active = agentsOnly.filter((agent) => agent.active).length;
    setText(this.#says, "");
    const most = total > agents.length ? `the latest ${agents.length} of ` : "";
    const number = (most ? total : agentsOnly.length).toLocaleString("en");
    setText(this.#count, agentsOnly.length ? `${most}${number}, ${active} active now` : "");
    const groups = [
      ["Active now", agentsOnly.filter((agent) => agent.active)],
      ["Earlier", agentsOnly.filter((agent) => !agent.active).slice(0, MOST_EARLIER)],
      ["People", sorted.filter((agent) => !isSession(agent) && !isStranger(agent))],
      ["Not members", sorted.filter(isStranger)],
    ];
    this.querySelector(".empty")?.remove();
    keyed(
      this.#list,
      groups.filter(([, some]) => some.length),
      ([title]) => title,
      ([title, some]) => showGroup(h("section", {}, h("h2", {}, title), h("ul")), some),
      (section, [, some]) => showGroup(section, some),
    );
    if (!agentsOnly.length)
      this.#list.before(
        h(
          "section",
          { class: "empty" },
          h("h2", {}, "No agent has worked here yet"),
          h("p", {}, "Connect one over MCP; each session gets a key of its own and leaves a signed trail."),
          connection(this.#app.me),
        ),
      );
  }
}

/** Whether this is a session of an agent; people are listed too, with an empty session. */
function isSession({ session }) {
  return session !== "";
}

/** Whether this is nobody the trust log knows: a key that signed under a name of its own choice. */
function isStranger({ id }) {
  return id.startsWith("SHA256:");
}

function signsAs(agent) {
  return isStranger(agent) ? `no member, key ${agent.id}` : "signs with a key of their own";
}

function showGroup(section, agents) {
  keyed(
    section.querySelector("ul"),
    agents,
    ({ id }) => id,
    (agent) => showAgent(h("li", { class: "agent-card" }), agent),
    showAgent,
  );
  return section;
}

function showAgent(card, agent) {
  const is = JSON.stringify(agent);
  if (card.was === is) return card;
  const focused = card.contains(document.activeElement);
  card.was = is;
  card.dataset.agent = agent.id;
  card.dataset.active = String(Boolean(agent.active));
  const person = asActor(agent.person);
  card.replaceChildren(
    avatar({ ...agent, session: isSession(agent) ? agent.id : "", person: person?.id }, "large"),
    h(
      "div",
      { class: "agent-who" },
      h("a", { href: hashOf.agent(agent.id), class: "agent-name" }, agent.name || agent.id),
      h(
        "p",
        { class: "quiet" },
        (isSession(agent) ? [agent.client, `for ${person?.name ?? "unknown"}`] : [signsAs(agent)])
          .filter(Boolean)
          .join(", "),
      ),
    ),
    h(
      "p",
      { class: "agent-when" },
      agent.revoked && revokedMark(),
      agent.active ? h("span", { class: "active-now" }, "active") : h("span", {}, "last seen ", timeAgo(agent.last_at)),
    ),
    h(
      "dl",
      { class: "agent-numbers" },
      ...number("events", agent.events),
      ...number("issues", agent.issues),
      ...number("verified", agent.ok, "entries verified"),
      ...(agent.muted ? number("muted", agent.muted) : []),
      ...(agent.quarantined ? number("quarantined", agent.quarantined) : []),
    ),
  );
  if (focused) card.querySelector("a").focus();
  return card;
}

function number(word, value, label = word) {
  return [
    h(
      "div",
      { data: { number: word }, title: plural(value ?? 0, word.replace(/s$/, ""), word) },
      h("dt", {}, label),
      h("dd", {}, Number(value ?? 0).toLocaleString("en")),
    ),
  ];
}

customElements.define("agents-page", AgentsPage);
