import { h, icon, setText } from "../dom.js";
import { plural } from "../text.js";

const MOST_PROBLEMS = 50;

/** One button that has everything an agent did checked against git itself, and what came of it. Fires `checked`. */
export class TrailCheck extends HTMLElement {
  #app;
  #id;
  #button = h(
    "button",
    { type: "button", data: { action: "verify", write: "" }, on: { click: () => this.#verify() } },
    icon("ok"),
    "Verify against git",
  );
  #says = h("p", { role: "status" });
  #problems = h("ul", { class: "chain-list" });

  constructor(app, id) {
    super();
    this.#app = app;
    this.#id = id;
  }

  connectedCallback() {
    if (this.firstChild) return; // put in its place anew as the trail grows
    this.className = "card";
    this.append(h("h2", {}, icon("key"), "Verification"), this.#says, this.#problems, this.#button);
    setText(
      this.#says,
      "Reads every entry again from the raw objects, and checks its signature, its rights and its chain.",
    );
  }

  async #verify() {
    this.#button.disabled = true;
    setText(this.#says, "Reading everything again…");
    try {
      this.#show(await this.#app.api.verify(this.#id));
    } catch (problem) {
      setText(this.#says, [problem.message, problem.hint].filter(Boolean).join(" "));
    } finally {
      this.#button.disabled = false;
    }
  }

  #show(found) {
    const { ok, entries, issues, chain, items, problems } = found;
    this.className = `card ${ok ? "good" : "bad"}`;
    this.dataset.verified = String(ok);
    const good = items.filter(({ verdict }) => verdict === "ok").length;
    const faults = [chain.gaps.length && plural(chain.gaps.length, "gap"), chain.forks.length && plural(chain.forks.length, "fork")];
    setText(
      this.#says,
      [
        `${good} of ${plural(entries, "entry", "entries")} on ${plural(issues, "issue")} verified`,
        `chain ${chain.ok ? "unbroken" : `with ${faults.filter(Boolean).join(" and ")}`}`,
        `at ${new Date().toLocaleTimeString()}`,
      ].join(", "),
    );
    this.#problems.replaceChildren(
      ...problems.slice(0, MOST_PROBLEMS).map((problem) => {
        const id = problem.entry ?? problem.ref ?? "";
        return h("li", {}, h("code", { title: id }, String(id).slice(0, 12)), ` ${problem.verdict ?? problem.kind}: ${problem.reason}`);
      }),
    );
    this.dispatchEvent(new CustomEvent("checked", { detail: new Map(items.map((item) => [item.entry, item])) }));
  }
}

customElements.define("trail-check", TrailCheck);
