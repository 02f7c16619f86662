import { asActor } from "../actors.js";
import { h, icon } from "../dom.js";
import { labelChip, labelDot } from "../marks.js";
import { claimTag } from "./board-card.js";
import { choose } from "./menu.js";
import { row } from "./property.js";

/** The labels, each with a button that takes it away, and one that adds. */
export function labelsProperty(app, act, issue) {
  const writable = app.me.role !== "observer";
  const chips = issue.labels.map((label) => {
    const chip = labelChip(label);
    if (writable)
      chip.replaceChildren(
        h("span", { class: "chip-text" }, label),
        h(
          "button",
          {
            type: "button",
            "aria-label": `Remove ${label}`,
            on: { click: () => act.change({ remove_labels: [label] }) },
          },
          icon("close"),
        ),
      );
    return chip;
  });
  const add =
    writable &&
    h(
      "button",
      {
        type: "button",
        class: "bare small",
        title: "Add a label",
        "aria-label": "Add a label",
        data: { action: "add-label" },
        on: {
          click: async () => {
            const label = await choose(add, {
              label: "Labels",
              free: "Label",
              items: [...app.words.labels]
                .filter((one) => !issue.labels.includes(one))
                .sort()
                .map((one) => ({ value: one, label: one, mark: labelDot(one) })),
            });
            if (label) act.change({ add_labels: [label] });
          },
        },
      },
      icon("plus"),
    );
  return row("labels", "Labels", h("span", { class: "chips" }, chips, add));
}

/** Who holds the issue; a person may take a free one and give back their own. */
export function claimProperty(app, act, { claim, category }) {
  const writable = app.me.role !== "observer";
  if (!claim)
    return writable && category !== "done"
      ? row(
          "claim",
          "Claim",
          h(
            "button",
            { type: "button", class: "value", data: { action: "claim" }, on: { click: () => act.claim() } },
            h("span", { class: "quiet" }, "Nobody. Take it"),
          ),
        )
      : null;
  const mine = asActor(claim.actor)?.id === app.me.person;
  return row(
    "claim",
    "Claim",
    h(
      "span",
      { class: "chips" },
      claimTag(claim),
      mine &&
        writable &&
        h(
          "button",
          { type: "button", class: "value", data: { action: "release" }, on: { click: () => act.release() } },
          "Release",
        ),
    ),
  );
}

/** The day it is due. */
export function dueProperty(app, act, { due }) {
  if (app.me.role === "observer") return row("due", "Due", due && String(due).slice(0, 10));
  const field = h("input", {
    type: "date",
    class: "value",
    "aria-label": "Due",
    max: "9999-12-31",
    value: due ? String(due).slice(0, 10) : "",
    on: {
      // While it is typed it is another valid day after each part: it is taken when the field is left, or with Enter.
      blur: () => take(),
      keydown: (event) => {
        if (event.key === "Enter") take();
        if (event.key === "Escape") field.value = shown;
      },
    },
  });
  const shown = field.value;
  const take = () => {
    if (field.value !== shown && !field.validity.badInput)
      act.change({ due: field.value ? `${field.value}T00:00:00Z` : null });
  };
  return row("due", "Due", field);
}
