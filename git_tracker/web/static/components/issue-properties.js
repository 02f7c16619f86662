import { actorName, asActor, avatar, nameOf } from "../actors.js";
import { timeAgo } from "../clock.js";
import { h, icon } from "../dom.js";
import { labelChip, labelDot, priorityClass, priorityName, stateMarks, statusClass, statusMark, typeIcon } from "../marks.js";
import { hashOf } from "../router.js";
import { PRIORITIES } from "../vocabulary.js";
import { claimTag } from "./board-card.js";
import { choose } from "./menu.js";

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

  connectedCallback() { if (!this.firstElementChild) this.append(this.#facts); }

  show(issue) {
    const { comments, description, ...rest } = issue;
    const is = JSON.stringify([rest, this.#app.words.statuses]);
    if (is === this.#was) return;
    this.#was = is;
    this.#issue = issue;
    const focused = document.activeElement?.closest?.("[data-property]")?.dataset.property;
    const had = this.contains(document.activeElement);
    this.#facts.replaceChildren(...this.#rows(issue).filter(Boolean));
    if (had && focused) this.querySelector(`[data-property="${focused}"] button`)?.focus();
  }

  pickStatus() { this.querySelector('[data-property="status"] button')?.click(); }

  #rows(issue) {
    const { words } = this.#app;
    const assignee = issue.assignee && asActor(issue.assignee);
    return [
      this.#pick("status", "Status", statusMark({ ...words.status(issue.status), category: issue.category }), () => ({
        items: words.statuses.map(({ status, category, title }) => ({ value: status, label: title, mark: icon(statusClass(category)), chosen: status === issue.status })) })),
      this.#pick("priority", "Priority", h("span", { class: `with-icon ${priorityClass(issue.priority)} priority-word`, data: { priority: issue.priority } }, priorityName(issue.priority)), () => ({
        items: PRIORITIES.map((label, value) => ({ value, label, mark: h("span", { class: `icon ${priorityClass(value)}` }), chosen: value === issue.priority })) })),
      this.#pick("type", "Type", h("span", { class: `with-icon i-${typeIcon(issue.type)}` }, issue.type), () => ({
        free: "Type or choose", items: [...words.types].map((type) => ({ value: type, label: type, mark: icon(typeIcon(type)), chosen: type === issue.type })) })),
      this.#pick("assignee", "Assignee", assignee ? h("span", { class: "with-avatar" }, avatar(assignee, "small"), nameOf(assignee)) : h("span", { class: "quiet" }, "Nobody"), () => ({
        free: "Name", items: [{ value: null, label: "Nobody", chosen: !issue.assignee }, ...[...new Set([this.#app.me.person, ...words.people])].map((name) => ({ value: name, label: name, mark: avatar(asActor(name), "small"), chosen: name === issue.assignee }))] })),
      this.#labels(issue),
      this.#claim(issue),
      this.#pick("parent", "Parent", issue.parent ? h("span", { class: "short" }, issue.parent.slice(0, 8)) : h("span", { class: "quiet" }, "None"), () => ({
        free: "Id of the parent", items: issue.parent ? [{ value: null, label: "No parent" }] : [] }), issue.parent && h("a", { href: hashOf.issue(issue.parent), title: "Open the parent" }, icon("right", "Open the parent"))),
      this.#pick("milestone", "Milestone", issue.milestone || h("span", { class: "quiet" }, "None"), () => ({
        free: "Milestone", items: [{ value: null, label: "None", chosen: !issue.milestone }, ...[...words.milestones].map((name) => ({ value: name, label: name, chosen: name === issue.milestone }))] })),
      this.#due(issue),
      links(issue),
      row("state", "State", marks(issue)),
      row("branch", "Branch", issue.branch && h("code", {}, icon("branch"), issue.branch)),
      row("estimate", "Estimate", issue.estimate && duration(issue.estimate)), row("spent", "Spent", issue.spent && duration(issue.spent)),
      row("deferred", "Deferred", issue.deferred_until && timeAgo(issue.deferred_until)),
      row("author", "Created", h("span", { class: "with-avatar" }, avatar(asActor(issue.author), "small"), actorName(asActor(issue.author)), timeAgo(issue.created_at))),
      row("updated", "Updated", timeAgo(issue.updated_at)), row("closed", "Closed", issue.closed_at && timeAgo(issue.closed_at)),
      row("imported", "Imported", issue.imported && importedText(issue.imported)),
      row("quarantined", "Set aside", issue.quarantined > 0 && h("span", { class: "verdict with-icon i-quarantined", data: { verdict: "quarantined" } }, `${issue.quarantined} quarantined`)),
      ...Object.entries(issue.custom ?? {}).slice(0, 20).map(([key, value]) => row(`custom-${key}`, key, typeof value === "object" ? JSON.stringify(value) : String(value))),
      h("div", { class: "property", data: { property: "archived", write: "" } }, h("dt", {}, "Archive"), h("dd", {}, h("button", { type: "button", class: "value", on: { click: () => this.#act.change({ archived: !issue.archived }) } }, issue.archived ? "Bring back" : "Put out of sight"))),
    ];
  }

  #pick(field, label, value, options, beside = null) {
    if (this.#app.me.role === "observer") return row(field, label, value);
    const button = h("button", { type: "button", class: "value", "aria-haspopup": "listbox", on: { click: async () => {
      const chosen = await choose(button, { label, ...options() });
      if (chosen !== undefined && chosen !== this.#issue[field]) this.#act.change({ [field]: chosen });
    } } }, value);
    return row(field, label, beside ? [button, beside] : button);
  }

  #labels(issue) {
    const writable = this.#app.me.role !== "observer";
    const chips = issue.labels.map((label) => {
      const chip = labelChip(label);
      if (writable) chip.replaceChildren(h("span", { class: "chip-text" }, label), h("button", { type: "button", "aria-label": `Remove ${label}`, on: { click: () => this.#act.change({ remove_labels: [label] }) } }, icon("close")));
      return chip;
    });
    const add = writable && h("button", { type: "button", class: "bare small", title: "Add a label", "aria-label": "Add a label", data: { action: "add-label" }, on: { click: async () => {
      const label = await choose(add, { label: "Labels", free: "Label", items: [...this.#app.words.labels].filter((one) => !issue.labels.includes(one)).sort().map((one) => ({ value: one, label: one, mark: labelDot(one) })) });
      if (label) this.#act.change({ add_labels: [label] });
    } } }, icon("plus"));
    return row("labels", "Labels", h("span", { class: "chips" }, chips, add));
  }

  #claim({ claim, category }) {
    const writable = this.#app.me.role !== "observer";
    if (!claim) return writable && category !== "done" ? row("claim", "Claim", h("button", { type: "button", class: "value", data: { action: "claim" }, on: { click: () => this.#act.claim() } }, h("span", { class: "quiet" }, "Nobody. Take it"))) : null;
    const mine = asActor(claim.actor)?.id === this.#app.me.person;
    return row("claim", "Claim", h("span", { class: "chips" }, claimTag(claim), mine && writable && h("button", { type: "button", class: "value", data: { action: "release" }, on: { click: () => this.#act.release() } }, "Release")));
  }

  #due({ due }) {
    if (this.#app.me.role === "observer") return row("due", "Due", due && String(due).slice(0, 10));
    const field = h("input", { type: "date", class: "value", "aria-label": "Due", value: due ? String(due).slice(0, 10) : "", on: { change: () => this.#act.change({ due: field.value ? `${field.value}T00:00:00Z` : null }) } });
    return row("due", "Due", field);
  }
}

function row(field, label, value) {
  if (value === null || value === undefined || value === false || value === "") return null;
  return h("div", { class: "property", data: { property: field } }, h("dt", {}, label), h("dd", {}, value));
}

function marks(issue) {
  const some = stateMarks({ ...issue, imported: false });
  return some.length ? h("span", { class: "chips" }, some) : null;
}

const LINK_WORDS = { blocks: ["blocks", "blocked by"], relates: ["relates to", "relates to"], duplicates: ["duplicates", "duplicated by"], supersedes: ["supersedes", "superseded by"], "discovered-from": ["discovered from", "led to"], parent: ["child of", "parent of"] };

function links({ links: all = [] }) {
  if (!all.length) return null;
  return row("links", "Links", h("ul", { class: "links" }, all.map(({ kind, issue, direction }) => h("li", { data: { link: kind } }, (LINK_WORDS[kind] ?? [kind, `${kind} (from)`])[direction === "in" ? 1 : 0], " ", h("a", { class: "short", href: hashOf.issue(issue) }, issue.slice(0, 8))))));
}

function importedText(imported) {
  const by = imported.by && nameOf(asActor(imported.by));
  return h("span", { class: "mark with-icon i-imported", data: { mark: "imported" } }, [imported.from, imported.id, by && `by ${by}`].filter(Boolean).join(" "));
}

/** Estimates and time spent may come as minutes or as a text. */
function duration(value) {
  if (typeof value !== "number") return String(value);
  const [hours, minutes] = [Math.floor(value / 60), value % 60];
  return [hours && `${hours} h`, minutes && `${minutes} min`].filter(Boolean).join(" ");
}

customElements.define("issue-properties", IssueProperties);
