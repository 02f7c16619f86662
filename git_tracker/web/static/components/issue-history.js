import { actorName, asActor, avatar, clientTag } from "../actors.js";
import { timeAgo } from "../clock.js";
import { h, keyed, setText } from "../dom.js";
import { verdictBadge } from "../marks.js";
import { plural } from "../text.js";
import { eventIcon, summaryOf } from "./event-words.js";

const AT_FIRST = 200;

/** Every event of the issue, newest first, with who, through which client, and what the signature is worth. */
export class IssueHistory extends HTMLElement {
  #list = h("ol", { class: "history", "aria-label": "History, newest first" });
  #none = h("p", { class: "none" }, "Reading the history…");

  #events = [];
  #all = false;
  #earlier = h("button", {
    type: "button",
    class: "earlier",
    hidden: true,
    on: {
      click: () => {
        this.#all = true;
        this.show(null, this.#events);
      },
    },
  });

  connectedCallback() {
    if (!this.firstElementChild) this.append(this.#list, this.#earlier, this.#none);
  }

  show(issue, events) {
    this.#events = events;
    const shown = (this.#all ? events : events.slice(-AT_FIRST)).toReversed();
    this.#earlier.hidden = shown.length === events.length;
    setText(this.#earlier, `Show ${plural(events.length - shown.length, "earlier event")}`);
    keyed(this.#list, shown, (event) => `${event.entry} ${event.cursor} ${event.type} ${event.summary}`, historyRow);
    this.#none.hidden = events.length > 0;
  }
}

function historyRow(event) {
  const actor = asActor(event.actor);
  return h(
    "li",
    { class: "event", data: { event: event.type, entry: event.entry, verdict: event.verdict } },
    avatar(actor, "small"),
    h(
      "div",
      { class: "event-body" },
      h(
        "p",
        { class: "event-line" },
        actorName(actor),
        clientTag(actor),
        " ",
        h("span", { class: "event-summary" }, eventIcon(event.type), " ", summaryOf(event)),
      ),
      event.verdict !== "ok" && event.reason && h("p", { class: "trail-reason" }, event.reason),
      h(
        "p",
        { class: "trail-ids" },
        "entry ",
        h("code", { title: event.entry }, String(event.entry ?? "").slice(0, 10)),
        event.imported && h("span", { class: "mark with-icon i-imported", data: { mark: "imported" } }, "imported"),
      ),
    ),
    h("div", { class: "event-end" }, verdictBadge(event.verdict, event.reason), timeAgo(event.at)),
  );
}

customElements.define("issue-history", IssueHistory);
