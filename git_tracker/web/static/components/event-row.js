import { actorName, avatar, clientTag } from "../actors.js";
import { clockTime, fullTime } from "../clock.js";
import { h } from "../dom.js";
import { verdictBadge } from "../marks.js";
import { hashOf } from "../router.js";
import { eventIcon, summaryOf } from "./event-words.js";

/** One event of the activity feed. `slim` is the narrow form beside the board. */
export function eventRow(event, { slim = false } = {}) {
  const { actor } = event;
  const issue = h(
    "a",
    { class: "event-issue", href: hashOf.issue(event.issue), title: event.title },
    h("span", { class: "short" }, event.short),
    slim ? null : h("span", { class: "event-title" }, event.title),
  );
  // What cannot be verified has no time that anybody could vouch for.
  const when = event.type === "quarantined" ? null : h("time", { datetime: event.at, title: fullTime(event.at) }, clockTime(event.at));
  const bad = event.verdict !== "ok";
  const badge = verdictBadge(event.verdict, event.reason);
  return h(
    "li",
    {
      class: "event",
      data: {
        cursor: event.cursor,
        entry: event.entry,
        issue: event.issue,
        event: event.type,
        verdict: event.verdict,
        actor: actor?.id,
      },
    },
    avatar(actor, slim ? "small" : ""),
    h(
      "div",
      { class: "event-body" },
      h(
        "p",
        { class: "event-line" },
        actorName(actor),
        slim ? null : clientTag(actor),
        " ",
        h("span", { class: "event-summary" }, eventIcon(event.type), " ", summaryOf(event)),
      ),
      h(
        "p",
        { class: "event-what" },
        issue,
        slim && when,
        slim && bad && badge,
        event.imported && h("span", { class: "mark with-icon i-imported", data: { mark: "imported" } }, "imported"),
      ),
    ),
    slim ? null : h("div", { class: "event-end" }, badge, when),
  );
}
