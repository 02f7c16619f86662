import { isAgent, nameOf } from "../actors.js";
import { h, setText } from "../dom.js";
import { plural } from "../text.js";
import { eventRow } from "./event-row.js";
import { summaryOf } from "./event-words.js";

const REMEMBERED = 2000;
const WHOLE_ID = /^[0-9a-f]{40}$/;

/**
 * Every event as it happens, newest on top. The DOM holds at most `rows` rows; while the reader has scrolled down, new
 * events wait behind a button, so that nothing moves under the eyes.
 */
export class ActivityFeed extends HTMLElement {
  #app;
  #rows;
  #slim;
  #events = []; // oldest first
  #keys = new Set();
  #unseen = 0;
  #matches = () => true;
  #asked = {}; // what the server was asked to filter by: {agent, issue}
  #arrived = null; // events that came while a read was under way
  #stop = new AbortController();
  #list = h("ol", { class: "events", "aria-label": "Events, newest first" });
  #jump = h("button", { type: "button", class: "jump", hidden: true, on: { click: () => this.#toTop() } });
  #none = h("p", { class: "none", role: "status" }, "Reading…");

  constructor(app, { rows = 300, slim = false } = {}) {
    super();
    this.#app = app;
    this.#rows = rows;
    this.#slim = slim;
  }

  connectedCallback() {
    const { signal } = this.#stop;
    this.append(this.#jump, this.#list, this.#none);
    this.addEventListener(
      "scroll",
      () => {
        if (this.#atTop && this.#unseen) this.#toTop();
      },
      { signal, passive: true },
    );
    this.#app.live.addEventListener("event", ({ detail }) => this.#add(detail), { signal });
    this.#app.live.addEventListener("reset", () => this.#read(), { signal });
    this.#read();
  }

  disconnectedCallback() {
    this.#stop.abort();
  }

  /** Shows only what matches: `{agent, issue, text}`, each a piece of text. Whole ids are looked up beyond the newest events. */
  filter({ agent = "", issue = "", text = "" }) {
    const [who, which, words] = [agent, issue, text].map((piece) => piece.trim().toLowerCase());
    const has = (piece, ...places) =>
      places.some((place) =>
        String(place ?? "")
          .toLowerCase()
          .includes(piece),
      );
    this.#matches = (event) =>
      (!who || has(who, event.actor?.id, nameOf(event.actor), event.actor?.client, event.actor?.person)) &&
      (!which || event.issue.startsWith(which) || has(which, event.title)) &&
      (!words || has(words, summaryOf(event), event.title, event.type, event.verdict, event.body));
    const asked = { agent: agent || undefined, issue: WHOLE_ID.test(which) ? which : undefined };
    if (JSON.stringify(asked) === JSON.stringify(this.#asked)) return this.#fill();
    this.#asked = asked;
    if (this.isConnected) this.#read();
  }

  /** Who was seen, for a list to choose from: `[{id, name, agent}]`. */
  get actors() {
    const seen = new Map(
      this.#events
        .filter((event) => event.actor)
        .map(({ actor }) => [actor.id, { id: actor.id, name: nameOf(actor), agent: isAgent(actor) }]),
    );
    return [...seen.values()];
  }

  get #atTop() {
    return this.scrollTop < 40;
  }

  async #read() {
    const asked = this.#asked;
    this.#arrived = [];
    try {
      const { items } = await this.#app.api.events({ limit: this.#rows, ...asked }, this.#stop.signal);
      if (asked !== this.#asked) return; // a newer filter has its own read
      const known = new Set(items.map(key));
      this.#events = [...items, ...this.#arrived.filter((event) => !known.has(key(event)))];
      this.#keys = new Set(this.#events.map(key));
      this.#fill();
      this.dispatchEvent(new CustomEvent("grown"));
    } catch (problem) {
      if (problem.name !== "AbortError") setText(this.#none, problem.message);
    }
  }

  #add(event) {
    if (this.#keys.has(key(event))) return;
    this.#keys.add(key(event));
    this.#events.push(event);
    this.#arrived?.push(event);
    if (this.#events.length > REMEMBERED)
      for (const old of this.#events.splice(0, REMEMBERED / 4)) this.#keys.delete(key(old));
    this.dispatchEvent(new CustomEvent("grown"));
    if (!this.#matches(event)) return;
    if (this.#atTop || this.#slim) this.#prepend(event);
    else this.#wait(this.#unseen + 1);
  }

  #prepend(event) {
    const row = eventRow(event, { slim: this.#slim });
    row.classList.add("fresh");
    this.#list.prepend(row);
    while (this.#list.childElementCount > this.#rows) this.#list.lastElementChild.remove();
    this.#none.hidden = true;
  }

  #fill() {
    const shown = this.#events.filter(this.#matches).slice(-this.#rows).reverse();
    this.#list.replaceChildren(...shown.map((event) => eventRow(event, { slim: this.#slim })));
    this.#none.hidden = shown.length > 0;
    setText(
      this.#none,
      this.#events.length
        ? "No event matches."
        : "Nothing has happened yet. Events appear here as agents and people work.",
    );
    this.#wait(0);
  }

  #wait(count) {
    this.#unseen = count;
    this.#jump.hidden = !count;
    setText(this.#jump, `${plural(count, "new event")}, jump to newest`);
  }

  #toTop() {
    this.#fill();
    this.scrollTop = 0;
  }
}

function key(event) {
  return `${event.cursor} ${event.entry} ${event.type} ${event.summary}`;
}

customElements.define("activity-feed", ActivityFeed);
