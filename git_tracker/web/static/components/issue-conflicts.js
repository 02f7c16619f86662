import { actorName, asActor, avatar } from "../actors.js";
import { timeAgo } from "../clock.js";
import { h, icon } from "../dom.js";

/** Concurrent values of one field, each with its author; a person picks one. */
export class IssueConflicts extends HTMLElement {
  #act;
  #was = "";

  constructor(act) {
    super();
    this.#act = act;
  }

  show({ conflicts = [] }) {
    const is = JSON.stringify(conflicts);
    if (is === this.#was) return;
    this.#was = is;
    this.replaceChildren(...conflicts.map((conflict) => this.#conflict(conflict)));
  }

  #conflict({ field, values }) {
    return h(
      "section",
      { class: "conflict", data: { conflict: field } },
      h("h2", {}, icon("conflict"), `${values.length === 2 ? "Two" : values.length} values for ${field}`),
      h(
        "p",
        { class: "quiet" },
        "They were written at the same time without knowing of each other. Choose the one to keep.",
      ),
      h(
        "ul",
        {},
        values.map(({ value, author, at }) =>
          h(
            "li",
            {},
            h("span", { class: "conflict-value" }, shown(value)),
            h(
              "span",
              { class: "conflict-by" },
              avatar(asActor(author), "small"),
              " ",
              actorName(asActor(author)),
              ", ",
              timeAgo(at),
            ),
            h(
              "button",
              {
                type: "button",
                data: { write: "", resolve: field },
                on: {
                  click: async ({ currentTarget }) => {
                    currentTarget.disabled = true;
                    if (!(await this.#act.resolve(field, value))) currentTarget.disabled = false;
                  },
                },
              },
              "Keep this",
            ),
          ),
        ),
      ),
    );
  }
}

function shown(value) {
  if (value === null || value === undefined || value === "") return "(none)";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

customElements.define("issue-conflicts", IssueConflicts);
