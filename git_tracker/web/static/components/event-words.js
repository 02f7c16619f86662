import { icon } from "../dom.js";
import { priorityName } from "../marks.js";

const MOST_OF_A_COMMENT = 300;

const DRAWINGS = {
  created: "plus",
  "status-changed": "active",
  "comment-added": "comment",
  "comment-edited": "edit",
  "comment-redacted": "close",
  "label-added": "tag",
  "label-removed": "tag",
  "title-changed": "edit",
  "description-edited": "edit",
  "assignee-changed": "user",
  "priority-changed": "p1",
  "type-changed": "task",
  "link-added": "link",
  "link-removed": "link",
  claimed: "claim",
  "claim-released": "claim",
  "criterion-added": "task",
  "criterion-checked": "check",
  "evidence-added": "ok",
  "conflict-resolved": "conflict",
  "branch-linked": "branch",
  "due-set": "date",
  deferred: "clock",
  "time-logged": "clock",
  "estimate-set": "clock",
  attached: "link",
  archived: "imported",
  unarchived: "imported",
  quarantined: "quarantined",
};

/** The types of events that this page has words or drawings for. */
export const KINDS = Object.keys(DRAWINGS);

/** A small drawing for a type of event. */
export function eventIcon(type) {
  return icon(DRAWINGS[type] ?? "other");
}

const PHRASES = {
  quarantined: () => "put in what cannot be verified",
  created: () => "created this issue",
  "status-changed": ({ to }) => to && `moved it to ${to}`,
  "comment-added": ({ body }) => body && `commented: ${body.slice(0, MOST_OF_A_COMMENT).split(/\s+/).join(" ").trim()}`,
  "comment-edited": () => "edited a comment",
  "comment-redacted": () => "redacted a comment",
  "label-added": ({ label }) => label && `added the label ${label}`,
  "label-removed": ({ label }) => label && `took the label ${label} away`,
  "title-changed": ({ title }) => title && `renamed it to ${title}`,
  "description-edited": () => "edited the description",
  "assignee-changed": ({ assignee }) =>
    assignee ? `assigned it to ${assignee}` : assignee === null && "assigned it to nobody",
  "priority-changed": ({ priority }) => priority !== undefined && `set the priority to ${priorityName(priority)}`,
  "type-changed": ({ kind }) => kind && `made it a ${kind}`,
  "due-set": ({ due }) => (due ? `made it due on ${day(due)}` : due === null && "took the due date away"),
  deferred: ({ until }) => (until ? `put it off until ${day(until)}` : until === null && "put it off no longer"),
  "criterion-added": ({ text }) => text && `added the criterion ${text}`,
  "conflict-resolved": ({ field }) =>
    field === "description" || field?.startsWith("comment:")
      ? `settled what several wrote in ${field === "description" ? "the description" : "a comment"}`
      : field && `chose between the values of ${field}`,
  "milestone-set": ({ milestone }) =>
    milestone ? `put it into ${milestone}` : milestone === null && "took it out of its milestone",
};

// times within events are seconds since 1970
function day(seconds) {
  return new Date(seconds * 1000).toISOString().slice(0, 10);
}

/** What happened: in words where the fields are known, else as the store says it. A newer client's event shows its type. */
export function summaryOf(event) {
  return PHRASES[event.type]?.(event) || event.summary || String(event.type ?? "changed").replaceAll("-", " ");
}
