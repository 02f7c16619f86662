import { actorName, asActor, avatar, nameOf } from "../actors.js";
import { timeAgo } from "../clock.js";
import { h, icon } from "../dom.js";
import { priorityClass, priorityName, statusClass, statusMark, typeIcon } from "../marks.js";
import { hashOf } from "../router.js";
import { PRIORITIES } from "../vocabulary.js";
import { claimProperty, dueProperty, labelsProperty } from "./issue-fields.js";
import { choose } from "./menu.js";
import { duration, importedText, links, marks, row } from "./property.js";

/** The facts beside the text; what may be changed is a button that opens a small list. */
export class IssueProperties extends HTMLElement {
  #app;
  #act;
  #was = "";
  #issue;
  #facts = h("dl", { class: "properties" });

  constructor(app, act) {
    super();
    this.#app = app;
    this.#act = act;
  }

  connectedCallback() {
    if (!this.firstElementChild) this.append(this.#facts);
  }

  show(issue) {
    const is = JSON.stringify([{ ...issue, comments: null, description: null }, this.#app.words.statuses]);
    if (is === this.#was || this.querySelector("input:focus")) return; // what is being typed stays
    this.#was = is;
    this.#issue = issue;
    const focused = document.activeElement?.closest?.("[data-property]")?.dataset.property;
    const had = this.contains(document.activeElement);
    this.#facts.replaceChildren(...this.#rows(issue).filter(Boolean));
    if (had && focused) this.querySelector(`[data-property="${focused}"] :is(button, input)`)?.focus();
  }

  pickStatus() {
    this.querySelector('[data-property="status"] button')?.click();
  }

  #rows(issue) {
    const { words } = this.#app;
    const assignee = issue.assignee && asActor(issue.assignee);
    return [
      this.#pick("status", "Status", statusMark({ ...words.status(issue.status), category: issue.category }), () => ({
        items: words.statuses.map(({ status, category, title }) => ({
          value: status,
          label: title,
          mark: icon(statusClass(category)),
          chosen: status === issue.status,
        })),
      })),
      this.#pick(
        "priority",
        "Priority",
        h(
          "span",
          { class: `with-icon ${priorityClass(issue.priority)} priority-word`, data: { priority: issue.priority } },
          priorityName(issue.priority),
        ),
        () => ({
          items: PRIORITIES.map((label, value) => ({
            value,
            label,
            mark: h("span", { class: `icon ${priorityClass(value)}` }),
            chosen: value === issue.priority,
          })),
        }),
      ),
      this.#pick("type", "Type", h("span", { class: `with-icon i-${typeIcon(issue.type)}` }, issue.type), () => ({
        free: "Type or choose",
        items: [...words.types].map((type) => ({
          value: type,
          label: type,
          mark: icon(typeIcon(type)),
          chosen: type === issue.type,
        })),
      })),
      this.#pick(
        "assignee",
        "Assignee",
        assignee
          ? h("span", { class: "with-avatar" }, avatar(assignee, "small"), nameOf(assignee))
          : h("span", { class: "quiet" }, "Nobody"),
        () => ({
          free: "Name",
          items: [
            { value: null, label: "Nobody", chosen: !issue.assignee },
            ...[...new Set([this.#app.me.person, ...words.people])].map((name) => ({
              value: name,
              label: name,
              mark: avatar(asActor(name), "small"),
              chosen: name === issue.assignee,
            })),
          ],
        }),
      ),
      labelsProperty(this.#app, this.#act, issue),
      claimProperty(this.#app, this.#act, issue),
      this.#pick(
        "parent",
        "Parent",
        issue.parent ? h("span", { class: "short" }, issue.parent.slice(0, 8)) : h("span", { class: "quiet" }, "None"),
        () => ({
          free: "Id of the parent",
          items: issue.parent ? [{ value: null, label: "No parent" }] : [],
        }),
        issue.parent &&
          h("a", { href: hashOf.issue(issue.parent), title: "Open the parent" }, icon("right", "Open the parent")),
      ),
      this.#pick("milestone", "Milestone", issue.milestone || h("span", { class: "quiet" }, "None"), () => ({
        free: "Milestone",
        items: [
          { value: null, label: "None", chosen: !issue.milestone },
          ...[...words.milestones].map((name) => ({ value: name, label: name, chosen: name === issue.milestone })),
        ],
      })),
      dueProperty(this.#app, this.#act, issue),
      links(issue),
      row("state", "State", marks(issue)),
      row("branch", "Branch", issue.branch && h("code", {}, icon("branch"), issue.branch)),
      row("estimate", "Estimate", issue.estimate > 0 && duration(issue.estimate)),
      row("spent", "Spent", issue.spent > 0 && duration(issue.spent)),
      row("deferred", "Deferred", issue.deferred_until && timeAgo(issue.deferred_until)),
      row(
        "author",
        "Created",
        h(
          "span",
          { class: "with-avatar" },
          avatar(asActor(issue.author), "small"),
          actorName(asActor(issue.author)),
          timeAgo(issue.created_at),
        ),
      ),
      row("updated", "Updated", timeAgo(issue.updated_at)),
      row("closed", "Closed", issue.closed_at && timeAgo(issue.closed_at)),
      row("imported", "Imported", issue.imported && importedText(issue.imported)),
      row(
        "quarantined",
        "Set aside",
        issue.quarantined > 0 &&
          h(
            "a",
            {
              href: hashOf.quarantine(),
              class: "verdict with-icon i-quarantined",
              data: { verdict: "quarantined" },
              title: "Entries of it that do not count: not allowed, badly signed, or waiting",
            },
            `${issue.quarantined} without effect`,
          ),
      ),
      ...Object.entries(issue.custom ?? {})
        .slice(0, 20)
        .map(([key, value]) =>
          row(`custom-${key}`, key, typeof value === "object" ? JSON.stringify(value) : String(value)),
        ),
      h(
        "div",
        { class: "property", data: { property: "archived", write: "" } },
        h("dt", {}, "Archive"),
        h(
          "dd",
          {},
          h(
            "button",
            { type: "button", class: "value", on: { click: () => this.#act.change({ archived: !issue.archived }) } },
            issue.archived ? "Bring back" : "Put out of sight",
          ),
        ),
      ),
    ];
  }

  #pick(field, label, value, options, beside = null) {
    if (this.#app.me.role === "observer") return row(field, label, value);
    const button = h(
      "button",
      {
        type: "button",
        class: "value",
        "aria-haspopup": "listbox",
        on: {
          click: async () => {
            const chosen = await choose(button, { label, ...options() });
            if (chosen !== undefined && chosen !== this.#issue[field]) this.#act.change({ [field]: chosen });
          },
        },
      },
      value,
    );
    return row(field, label, beside ? [button, beside] : button);
  }
}

customElements.define("issue-properties", IssueProperties);
