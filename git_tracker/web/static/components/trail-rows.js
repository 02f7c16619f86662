import { clockTime, fullTime } from "../clock.js";
import { h, icon } from "../dom.js";
import { verdictBadge } from "../marks.js";
import { hashOf } from "../router.js";
import { eventIcon, summaryOf } from "./event-words.js";

/** The entries in order, with what checking them against git said; a row of its own before each entry whose predecessor is missing, a mark on those that share one. */
export function trailRows(items, chain, checked = new Map()) {
  const missing = new Map((chain?.gaps ?? []).map((gap) => [gap.entry, gap.missing]));
  const forked = new Set((chain?.forks ?? []).flatMap(({ entries }) => entries ?? []));
  return items.flatMap((item) => [
    ...(missing.has(item.entry) ? [gapRow(item, missing.get(item.entry))] : []),
    trailRow(item, forked.has(item.entry), checked.get(item.entry)),
  ]);
}

function gapRow({ n }, id) {
  return h(
    "li",
    { class: "trail-gap", data: { gap: n } },
    icon("quarantined"),
    `Entry ${n - 1} of this chain is missing`,
    id && h("code", { title: id }, String(id).slice(0, 10)),
  );
}

function trailRow(item, forked, checked) {
  return h(
    "li",
    {
      class: "trail-entry",
      data: { entry: item.entry, verdict: item.verdict, n: item.n, fork: forked ? "true" : null },
    },
    h("span", { class: "trail-n", title: `Number ${item.n} of its chain` }, item.n),
    h(
      "div",
      { class: "event-body" },
      h(
        "p",
        { class: "event-what" },
        h(
          "a",
          { class: "event-issue", href: hashOf.issue(item.issue), title: item.title },
          h("span", { class: "short" }, item.short),
          h("span", { class: "event-title" }, item.title),
        ),
      ),
      ...(item.events ?? []).map((event) =>
        h(
          "p",
          { class: "event-line" },
          h("span", { class: "event-summary" }, eventIcon(event.type), " ", summaryOf(event)),
        ),
      ),
      item.verdict !== "ok" && item.reason && h("p", { class: "trail-reason" }, item.reason),
      forked && h("p", { class: "trail-reason" }, "Fork: another entry follows the same one."),
      h(
        "p",
        { class: "trail-ids" },
        h("code", { title: item.entry }, String(item.entry).slice(0, 10)),
        item.prev
          ? [" after ", h("code", { title: item.prev }, String(item.prev).slice(0, 10))]
          : " first of its chain",
      ),
    ),
    h(
      "div",
      { class: "event-end" },
      checked && checkedMark(item, checked),
      verdictBadge(item.verdict, item.reason),
      h("time", { datetime: item.at, title: fullTime(item.at) }, clockTime(item.at)),
    ),
  );
}

function checkedMark({ verdict }, checked) {
  const same = checked.verdict === verdict;
  return h(
    "span",
    {
      class: `mark with-icon i-${same ? "check" : "quarantined"}`,
      data: { checked: checked.verdict },
      title: same ? "Read again from git: it says the same" : `Git says ${checked.verdict}: ${checked.reason}`,
    },
    same ? "checked" : `git says ${checked.verdict}`,
  );
}
