import { actorName, asActor, avatar, nameOf } from "../actors.js";
import { timeAgo } from "../clock.js";
import { difference, excerpt } from "../difference.js";
import { h, icon, setText } from "../dom.js";
import { priorityName } from "../marks.js";
import { plural, visibleLines } from "../text.js";
import { ownValue } from "./own-value.js";

const OWN = "own";

/** What people call a field that may be in conflict. */
export function fieldName(field) {
  return field.startsWith("comment:") ? "comment" : field;
}

/**
 * The dialog in which a conflict is settled: every value side by side with who wrote it and when, texts as changes of the
 * text they share; one of them, what holds now, what was before, or an answer of one's own. `show` keeps it true while others write.
 */
export class MergeTool {
  #app;
  #act;
  #conflict;
  #issue;
  #left;
  #sending = false;
  #choices = h("div", { class: "choices", role: "radiogroup" });
  #says = h("div", { class: "says", role: "alert" });
  #send = h("button", { type: "submit", class: "primary", disabled: true, data: { write: "" } }, "Keep the chosen one");
  #about = h("p", { class: "quiet" });
  #own;
  #dialog;

  constructor(app, act, conflict, issue, left) {
    this.#app = app;
    this.#act = act;
    this.#left = left;
    this.#conflict = conflict;
    this.#issue = issue;
    this.#own = ownValue(conflict, issue, app.words);
    const name = fieldName(conflict.field);
    this.#choices.setAttribute("aria-label", `Values of ${name}`);
    this.#dialog = h(
      "dialog",
      { class: "merge", "aria-label": `Conflict in ${name}`, data: { merge: conflict.field } },
      h(
        "form",
        { method: "dialog", novalidate: true, on: { submit: (event) => this.#submit(event) } },
        h(
          "header",
          {},
          h("h2", {}, icon("conflict"), this.#text ? `Concurrent edits of the ${name}` : `Concurrent values of ${name}`),
          h(
            "button",
            { type: "button", class: "bare", "aria-label": "Close", on: { click: () => this.close() } },
            icon("close"),
          ),
        ),
        this.#about,
        this.#choices,
        this.#says,
        h(
          "footer",
          { class: "row end" },
          h("span", { class: "quiet grow" }, "Your choice becomes one signed entry that everybody sees."),
          h("button", { type: "button", on: { click: () => this.close() } }, "Cancel"),
          this.#send,
        ),
      ),
    );
    this.#dialog.addEventListener("change", () => this.#chose());
    this.#dialog.addEventListener("keydown", (event) => {
      event.stopPropagation(); // the page's own keys rest
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.#submit(event);
    });
    this.#dialog.addEventListener("close", () => {
      this.#dialog.remove();
      this.#left();
    });
    this.#fill();
    document.body.append(this.#dialog);
    this.#dialog.showModal();
    (this.#dialog.querySelector("input[type=radio]") ?? this.#dialog).focus();
  }

  get field() {
    return this.#conflict.field;
  }

  close() {
    this.#dialog.close();
  }

  /** Takes the conflict as it is now, or undefined if it was settled; `events` say by whom. */
  show(conflict, issue, events = []) {
    this.#issue = issue;
    if (this.#sending) return;
    if (!conflict) {
      const last = events.findLast(({ type }) => type !== "comment-added");
      const who = last && last.actor.id !== this.#app.me.person ? nameOf(asActor(last.actor)) : "Somebody else";
      this.#app.toasts.say(`${who} settled the ${fieldName(this.field)} meanwhile.`);
      this.close();
    } else if (JSON.stringify(conflict) !== JSON.stringify(this.#conflict)) {
      this.#conflict = conflict;
      this.#fill();
      setText(this.#says, "Something new came in just now. Please look again before you choose.");
    }
  }

  get #text() {
    return this.#conflict.strategy === "merge";
  }

  #fill() {
    const { values, base, result, strategy } = this.#conflict;
    const chosen = this.#chosen;
    const focused = document.activeElement;
    setText(
      this.#about,
      {
        merge:
          "These edits touched the same sentence without knowing of each other. They were merged automatically, which may not make sense.",
        manual: `Until somebody chooses, it stays as it was before: ${this.#told(result)}.`,
        "last-writer": `They were written without knowing of each other. Until somebody chooses, the latest holds: ${this.#told(result)}.`,
      }[strategy],
    );
    this.#choices.replaceChildren(
      h(
        "div",
        { class: "sides" },
        values.map(({ value, author, at, entry }) =>
          this.#choice(
            entry,
            [avatar(asActor(author), "small"), actorName(asActor(author)), h("span", { class: "quiet" }, timeAgo(at))],
            this.#body(value),
          ),
        ),
      ),
      ...(this.#text ? [this.#choice("result", [icon("auto"), "Automatic result"], this.#body(result))] : []),
      this.#choice("base", [icon("clock"), "As it was before"], this.#text ? this.#whole(base) : this.#body(base)),
      this.#choice(OWN, [icon("edit"), this.#text ? "Edit it yourself" : "Another value"], this.#own.element),
    );
    const again = [...this.#choices.querySelectorAll("input[type=radio]")].find(({ value }) => value === chosen);
    if (again) again.checked = true;
    if (focused === this.#own.element) focused.focus();
    else if (again && focused?.name === "choice") again.focus();
    this.#send.disabled = !again;
  }

  #choice(value, head, body) {
    return h(
      "div",
      { class: "choice", data: { choice: value } },
      h("label", {}, h("input", { type: "radio", name: "choice", value, data: { write: "" } }), head),
      body,
    );
  }

  #body(value) {
    if (!this.#text) return h("p", { class: "conflict-value" }, this.#told(value));
    const parts = excerpt(difference(this.#conflict.base, value)).map(({ kind, text, lines }) => {
      if (kind === "cut") return h("span", { class: "cut" }, `⋯ ${plural(lines, "line")} unchanged`);
      const element = h({ same: "span", gone: "del", new: "ins" }[kind], {});
      element.textContent = visibleLines(text);
      return element;
    });
    return h("div", { class: "difference", tabindex: "0" }, parts);
  }

  #whole(text) {
    const element = h("div", { class: "difference", tabindex: "0" });
    element.textContent = visibleLines(text) || "(empty)";
    return element;
  }

  #told(value) {
    if (value === null || value === undefined || value === "") return "none";
    if (this.field === "priority") return priorityName(value);
    if (this.field === "status") return this.#app.words.status(value).title;
    return this.field === "due" ? value.slice(0, 10) : String(value);
  }

  get #chosen() {
    return this.#choices.querySelector("input[type=radio]:checked")?.value;
  }

  #chose() {
    this.#send.disabled = !this.#chosen;
    if (this.#chosen === OWN) this.#own.focus();
  }

  async #submit(event) {
    event.preventDefault();
    const chosen = this.#chosen;
    if (!chosen || this.#send.disabled) return;
    const field = this.field;
    const answer = chosen === OWN ? { field, value: this.#own.value() } : { field, take: chosen };
    this.#send.disabled = this.#sending = true;
    const problem = await this.#act.settle(answer, this.#conflict);
    this.#sending = false;
    this.#send.disabled = false;
    if (!problem) return this.close();
    const now = this.#issue.conflicts.find((conflict) => conflict.field === field);
    if (!now || JSON.stringify(now) !== JSON.stringify(this.#conflict)) return this.show(now, this.#issue);
    setText(this.#says, [problem.message, problem.hint].filter(Boolean).join(" "));
  }
}
