import { h } from "./dom.js";
import { hue } from "./text.js";
import { PRIORITIES, TYPES } from "./vocabulary.js";

const VERDICTS = {
  ok: ["verified", "The signature and its chain up to a person hold."],
  muted: ["muted", "Well signed, but not allowed; it has no effect."],
  quarantined: ["quarantined", "The bytes or the signature are bad; it is kept and never counts."],
  waiting: ["waiting", "It names something that is not here yet."],
};

/** What the store thinks of the signature of an entry. */
export function verdictBadge(verdict, reason) {
  const [word, meaning] = VERDICTS[verdict] ?? [verdict || "unknown", ""];
  return h(
    "span",
    {
      class: `verdict with-icon i-${VERDICTS[verdict] ? verdict : "waiting"}`,
      data: { verdict: verdict ?? "" },
      title: [meaning, reason].filter(Boolean).join(" Reason: "),
    },
    word,
  );
}

export function labelChip(label) {
  return h("span", { class: "chip", title: label, vars: { "--h": hue(label) }, data: { label } }, label);
}

export function labelDot(label) {
  return h("span", { class: "chip dot", vars: { "--h": hue(label) } });
}

export function statusClass(category) {
  return ["todo", "active", "done"].includes(category) ? category : "todo";
}

export function statusMark({ status, category, title }) {
  return h(
    "span",
    { class: `status with-icon i-${statusClass(category)} ${statusClass(category)}`, data: { status } },
    title || status,
  );
}

/** Which repository of a workspace a card or row belongs to; nothing where there is but one. */
export function repositoryBadge({ repository }) {
  return repository && h("span", { class: "repository-badge", title: `Repository ${repository}` }, repository);
}

/** An id without the repository that `repositoryBadge` shows. */
export function plainId({ short }) {
  return short.slice(short.indexOf("#") + 1);
}

export function typeIcon(type) {
  return TYPES.includes(type) ? type : "other";
}

export function priorityName(priority) {
  return PRIORITIES[priority] ?? `P${priority}`;
}

export function priorityClass(priority) {
  return `i-p${Math.min(4, Math.max(0, Number(priority) || 0))}`;
}

/** The short words on cards, rows and the issue: why one may or may not start, and what needs a look. */
export function stateMarks(row) {
  return [
    (row.conflicted || row.conflicts?.length) &&
      mark("conflict", "conflict", "Concurrent changes: somebody should choose"),
    row.blocked && mark("blocked", "blocked", "Waits for another issue"),
    row.ready && mark("ready", "ready", "Nothing stands in the way"),
    row.imported && mark("imported", "imported", "Came from another tracker"),
    row.quarantined > 0 && mark("apart", `${row.quarantined} without effect`, "Entries of it do not count", "quarantined"),
    row.archived && mark("archived", "archived", "Out of sight unless asked for", "waiting"),
  ].filter(Boolean);
}

function mark(kind, word, title, drawing = kind) {
  return h("span", { class: `mark with-icon i-${drawing}`, title, data: { mark: kind } }, word);
}
