import { h } from "../dom.js";
import { PRIORITIES } from "../vocabulary.js";

/** A field for an answer of one's own: `element`, `focus()` and `value()`, which is what the API takes. */
export function ownValue({ field, strategy, result }, issue, words) {
  const label = strategy === "merge" ? "The whole text" : `Another ${field}`;
  const choose = (options, chosen) =>
    h(
      "select",
      { "aria-label": label },
      options.map(([value, text]) => h("option", { value, selected: value === chosen }, text)),
    );
  let element;
  let read = () => element.value.trim() || null;
  if (strategy === "merge") {
    element = h("textarea", { rows: 8, "aria-label": label, value: result, spellcheck: "true" });
    read = () => element.value;
  } else if (field === "status")
    element = choose(
      words.statuses.map(({ status, title }) => [status, title]),
      issue.status,
    );
  else if (field === "priority") {
    element = choose(
      PRIORITIES.map((text, value) => [String(value), text]),
      String(issue.priority),
    );
    read = () => Number(element.value);
  } else if (field === "due") element = h("input", { type: "date", "aria-label": label, value: (result ?? "").slice(0, 10) });
  else
    element = h("input", {
      type: "text",
      "aria-label": label,
      value: result ?? "",
      maxlength: field === "title" ? "512" : "64",
    });
  element.dataset.write = "";
  element.addEventListener("input", () => {
    element.closest(".choice").querySelector("input[type=radio]").checked = true;
    element.dispatchEvent(new Event("change", { bubbles: true }));
  });
  return {
    element,
    value: () => read(),
    focus: () => document.activeElement !== element && element.focus(),
  };
}
