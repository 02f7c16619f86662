import { asActor, avatar, nameOf } from "../actors.js";
import { h, icon } from "../dom.js";
import { fieldName, MergeTool } from "./merge-tool.js";

/** What is in conflict on this issue, each with the way to the merge tool; and the tool itself, kept up to date. */
export class IssueConflicts extends HTMLElement {
  #app;
  #act;
  #was = "";
  #tool = null;

  constructor(app, act) {
    super();
    this.#app = app;
    this.#act = act;
  }

  disconnectedCallback() {
    this.#tool?.close();
  }

  show(issue, events) {
    const { conflicts = [] } = issue;
    this.#tool?.show(
      conflicts.find(({ field }) => field === this.#tool.field),
      issue,
      events,
    );
    const is = JSON.stringify(conflicts);
    if (is === this.#was) return;
    this.#was = is;
    const had = this.contains(document.activeElement);
    this.replaceChildren(...(conflicts.length ? [this.#banner(conflicts, issue)] : []));
    if (had) (this.querySelector("button") ?? this.closest("issue-panel"))?.focus();
  }

  #banner(conflicts, issue) {
    const one = conflicts.length === 1;
    return h(
      "section",
      { class: "conflict", "aria-label": "Conflicts" },
      h("h2", {}, icon("conflict"), one ? "One thing waits for a choice" : `${conflicts.length} things wait for a choice`),
      h(
        "ul",
        {},
        conflicts.map((conflict) =>
          h(
            "li",
            { data: { conflict: conflict.field } },
            h("span", { class: "conflict-value" }, `${capital(fieldName(conflict.field))}: ${writers(conflict)}`),
            h(
              "span",
              { class: "people" },
              conflict.values.slice(0, 4).map(({ author }) => avatar(asActor(author), "small")),
            ),
            h(
              "button",
              {
                type: "button",
                data: { action: "compare" },
                "aria-haspopup": "dialog",
                on: { click: ({ currentTarget }) => this.#open(conflict, issue, currentTarget) },
              },
              "Compare and choose",
            ),
          ),
        ),
      ),
    );
  }

  #open(conflict, issue, opener) {
    this.#tool?.close();
    const tool = new MergeTool(this.#app, this.#act, conflict, issue, () => {
      if (this.#tool === tool) this.#tool = null;
      (opener.isConnected ? opener : this.closest("issue-panel"))?.focus();
    });
    this.#tool = tool;
  }
}

function writers({ values, strategy }) {
  const names = [...new Set(values.map(({ author }) => nameOf(asActor(author))))];
  const who = names.length < 3 ? names.join(" and ") : `${names.slice(0, 2).join(", ")} and ${names.length - 2} more`;
  return strategy === "merge" ? `${who} changed one sentence at the same time` : `${who} wrote at the same time`;
}

function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

customElements.define("issue-conflicts", IssueConflicts);
