import { h, icon } from "../dom.js";
import { hashOf } from "../router.js";
import { ActivityFeed } from "./activity-feed.js";

/** The feed on a page of its own, with filters that live in the address. */
export class ActivityPage extends HTMLElement {
  #app;
  #params;
  #feed;
  #agent = h("select", { "aria-label": "By whom" });
  #issue = h("input", {
    type: "search",
    placeholder: "Issue id or title",
    "aria-label": "Issue",
    autocomplete: "off",
    spellcheck: "false",
  });
  #text = h("input", {
    type: "search",
    placeholder: "Text",
    "aria-label": "Text",
    autocomplete: "off",
    spellcheck: "false",
  });
  #offered = "";

  constructor(app, { params }) {
    super();
    this.#app = app;
    this.#params = params;
  }

  connectedCallback() {
    document.title = `Activity · ${this.#app.me.repository}`;
    this.#feed = new ActivityFeed(this.#app, { rows: 300 });
    this.#issue.value = this.#params.get("issue") ?? "";
    this.#text.value = this.#params.get("text") ?? "";
    this.append(
      h(
        "div",
        { class: "toolbar" },
        h("h1", {}, "Activity"),
        h(
          "div",
          { class: "filters" },
          this.#agent,
          h("label", { class: "filter-box" }, icon("filter"), this.#issue),
          h("label", { class: "filter-box" }, icon("search"), this.#text),
        ),
      ),
      this.#feed,
    );
    this.#offer();
    this.#agent.addEventListener("change", () => this.#apply());
    let timer = 0;
    for (const field of [this.#issue, this.#text])
      field.addEventListener("input", () => {
        clearTimeout(timer);
        timer = setTimeout(() => this.#apply(), 200);
      });
    this.#agent.addEventListener("pointerdown", () => this.#offer());
    this.#agent.addEventListener("focus", () => this.#offer());
    this.#feed.filter(this.#wanted);
  }

  follow() {
    return true;
  }

  get #wanted() {
    return { agent: this.#agent.value, issue: this.#issue.value, text: this.#text.value };
  }

  #apply() {
    history.replaceState(null, "", hashOf.activity(this.#wanted));
    this.#feed.filter(this.#wanted);
  }

  #offer() {
    const chosen = this.#agent.value || this.#params.get("agent") || "";
    const actors = this.#feed.actors;
    if (chosen && !actors.some(({ id }) => id === chosen)) actors.push({ id: chosen, name: chosen, agent: false });
    const offer = JSON.stringify(actors.map(({ id }) => id));
    if (offer === this.#offered) return;
    this.#offered = offer;
    const group = (label, agent) =>
      h(
        "optgroup",
        { label },
        actors.filter((one) => one.agent === agent).map(({ id, name }) => h("option", { value: id }, name)),
      );
    this.#agent.replaceChildren(h("option", { value: "" }, "Everybody"), group("Agents", true), group("People", false));
    this.#agent.value = chosen;
  }
}

customElements.define("activity-page", ActivityPage);
