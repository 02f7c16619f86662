import { h, icon } from "../dom.js";
import { KINDS } from "./event-words.js";

const DAY = 86_400_000;

/** Which part of a trail to show: of one issue, one kind of event, a span of days. Fires `change` with what `only` is then. */
export class TrailFilters extends HTMLElement {
  #timer = 0;
  #issue = h("input", {
    type: "search",
    name: "issue",
    placeholder: "Issue id",
    "aria-label": "Only on this issue",
    autocomplete: "off",
    spellcheck: "false",
    maxlength: "40",
  });
  #kind = h(
    "select",
    { name: "kind", "aria-label": "Only this kind of event" },
    h("option", { value: "" }, "Every kind"),
    KINDS.map((kind) => h("option", { value: kind }, kind.replaceAll("-", " "))),
  );
  #since = h("input", { type: "date", name: "since", "aria-label": "From this day on" });
  #until = h("input", { type: "date", name: "until", "aria-label": "Up to this day" });

  connectedCallback() {
    this.append(
      h("label", { class: "filter-box" }, icon("filter"), this.#issue),
      this.#kind,
      h("label", { class: "filter-day" }, "from", this.#since),
      h("label", { class: "filter-day" }, "to", this.#until),
    );
    for (const field of [this.#kind, this.#since, this.#until])
      field.addEventListener("change", (event) => {
        event.stopPropagation();
        this.#tell();
      });
    this.#issue.addEventListener("change", (event) => event.stopPropagation());
    this.#issue.addEventListener("input", () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#tell(), 250);
    });
  }

  /** What the trail is asked for; an id that is still being typed asks for nothing. */
  get only() {
    const issue = this.#issue.value.trim().toLowerCase();
    return {
      issue: issue.length >= 7 ? issue : "",
      kind: this.#kind.value,
      since: this.#since.value,
      until: this.#until.value && new Date(Date.parse(this.#until.value) + DAY).toISOString().slice(0, 10),
    };
  }

  #tell() {
    this.dispatchEvent(new CustomEvent("change", { detail: this.only }));
  }
}

customElements.define("trail-filters", TrailFilters);
