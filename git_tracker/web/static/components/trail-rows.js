import { clockTime, fullTime } from "../clock.js";
import { h, icon } from "../dom.js";
import { verdictBadge } from "../marks.js";
import { hashOf } from "../router.js";
import { eventIcon, summaryOf } from "./event-row.js";

/** The entries in order, with a row of its own wherever some are missing, and a mark where two claim one place. */
export function trailRows(items) {
  const places = new Map();
  for (const { n } of items) places.set(n, (places.get(n) ?? 0) + 1);
  let before = null;
  return items.flatMap((item) => {
    const out = [];
    if (before && item.n > before.n + 1)
      out.push(
        h(
          "li",
          { class: "trail-gap", data: { gap: `${before.n + 1}-${item.n - 1}` } },
          icon("quarantined"),
          item.n === before.n + 2
            ? `Entry ${before.n + 1} is missing`
            : `Entries ${before.n + 1} to ${item.n - 1} are missing`,
        ),
      );
    before = item;
    out.push(trailRow(item, places.get(item.n) > 1));
    return out;
  });
}

function trailRow(item, forked) {
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
      forked && h("p", { class: "trail-reason" }, "Fork: another entry has this number too."),
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
      verdictBadge(item.verdict, item.reason),
      h("time", { datetime: item.at, title: fullTime(item.at) }, clockTime(item.at)),
    ),
  );
}
