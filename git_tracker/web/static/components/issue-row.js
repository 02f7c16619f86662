import { asActor, avatar, nameOf } from "../actors.js";
import { timeAgo } from "../clock.js";
import { h } from "../dom.js";
import { labelChip, plainId, priorityClass, priorityName, repositoryBadge, stateMarks, statusMark, typeIcon } from "../marks.js";
import { hashOf } from "../router.js";
import { claimTag } from "./board-card.js";

/** Fills or patches one row of the list; a row that changed lights up for a moment. */
export function showRow(tr, row, words) {
  const is = JSON.stringify(row);
  if (tr.was === is) return tr;
  if (tr.was) {
    tr.classList.remove("changed");
    void tr.offsetWidth;
    tr.classList.add("changed");
  }
  tr.was = is;
  tr.dataset.issue = row.id;
  tr.dataset.status = row.status;
  const focused = tr.contains(document.activeElement);
  const link = h("a", { class: "row-title", href: hashOf.issue(row.id) }, row.title);
  const marks = [
    ...(row.labels ?? []).slice(0, 5).map(labelChip),
    ...stateMarks(row),
    row.claim && claimTag(row.claim),
    row.comment_count > 0 && h("span", { class: "count with-icon i-comment" }, row.comment_count),
  ].filter(Boolean);
  tr.replaceChildren(
    h(
      "td",
      { class: "col-issue" },
      h("span", { class: `card-id with-icon i-${typeIcon(row.type)}`, title: row.type }, plainId(row)),
      repositoryBadge(row),
      link,
      marks.length > 0 && h("span", { class: "row-marks" }, marks),
    ),
    h("td", { class: "col-status" }, statusMark({ ...words.status(row.status), category: row.category })),
    h(
      "td",
      { class: "col-priority" },
      h(
        "span",
        { class: `with-icon ${priorityClass(row.priority)} priority-word`, data: { priority: row.priority } },
        priorityName(row.priority),
      ),
    ),
    h(
      "td",
      { class: "col-assignee" },
      row.assignee
        ? h("span", { class: "with-avatar" }, avatar(asActor(row.assignee), "small"), nameOf(asActor(row.assignee)))
        : h("span", { class: "quiet" }, "nobody"),
    ),
    h("td", { class: "col-created" }, timeAgo(row.created_at)),
    h("td", { class: "col-updated" }, timeAgo(row.updated_at)),
  );
  if (focused) link.focus();
  return tr;
}
