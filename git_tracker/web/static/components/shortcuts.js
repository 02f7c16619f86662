import { h, icon } from "../dom.js";

const HELP = [
  ["/", "Search"],
  ["c", "New issue"],
  ["g b, g i, g a, g g", "Board, issues, activity, agents"],
  ["arrow keys", "Move between cards"],
  ["Enter", "Open the focused card"],
  ["[ and ]", "Move the focused card one column left or right"],
  ["s", "Choose the status of the focused card or open issue"],
  ["Esc", "Close the issue"],
  ["?", "This list"],
];

/**
 * Listens for keys that belong to no field. `keys` maps a key to an action, or a first key to a map of second keys to hashes.
 * A key pressed in a field, a menu or a dialog is left alone.
 */
export function listenForKeys(keys, go, signal) {
  let first = null;
  addEventListener(
    "keydown",
    (event) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || busy(event.target)) return;
      const action = first?.[event.key] ?? keys[event.key] ?? (event.key === "?" ? showHelp : undefined);
      first = null;
      if (action === undefined) return;
      if (event.key !== "Escape") event.preventDefault();
      if (typeof action === "string") go(action);
      else if (typeof action === "function") action();
      else first = action;
    },
    { signal },
  );
}

function busy(target) {
  return (
    target.closest?.("input, textarea, select, dialog, [popover], [contenteditable]") ||
    document.querySelector("dialog[open]")
  );
}

function showHelp() {
  const dialog = h(
    "dialog",
    { class: "help", "aria-label": "Keyboard" },
    h(
      "header",
      {},
      h("h2", {}, "Keyboard"),
      h(
        "button",
        { type: "button", class: "bare", "aria-label": "Close", on: { click: () => dialog.close() } },
        icon("close"),
      ),
    ),
    h(
      "dl",
      {},
      HELP.flatMap(([key, does]) => [h("dt", {}, h("kbd", {}, key)), h("dd", {}, does)]),
    ),
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
