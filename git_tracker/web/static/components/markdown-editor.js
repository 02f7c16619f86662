import { h } from "../dom.js";
import { renderMarkdown } from "../markdown/render.js";

/** A text field with a preview. Ctrl or Cmd with Enter saves, Escape cancels. `save(text)` and `cancel()` are called. */
export function markdownEditor({ label, value = "", submit, save, cancel, before = null, rows = 6, placeholder = "" }) {
  const field = h("textarea", { rows, "aria-label": label, placeholder, value, spellcheck: "true" });
  const preview = h("div", { class: "markdown preview", hidden: true });
  const write = h(
    "button",
    { type: "button", class: "bare", "aria-pressed": "true", on: { click: () => turn(false) } },
    "Write",
  );
  const look = h(
    "button",
    { type: "button", class: "bare", "aria-pressed": "false", on: { click: () => turn(true) } },
    "Preview",
  );
  const button = h("button", { type: "submit", class: "primary" }, submit);
  const turn = (on) => {
    if (on) preview.replaceChildren(renderMarkdown(field.value || "Nothing to show yet."));
    preview.hidden = !on;
    field.hidden = on;
    look.setAttribute("aria-pressed", String(on));
    write.setAttribute("aria-pressed", String(!on));
    if (!on) field.focus();
  };
  const send = async (event) => {
    event.preventDefault();
    if (button.disabled) return;
    button.disabled = true;
    try {
      await save(field.value);
    } finally {
      button.disabled = false;
    }
  };
  const element = h(
    "form",
    {
      class: "editor",
      on: {
        submit: send,
        keydown: (event) => {
          if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) send(event);
          if (event.key === "Escape" && cancel) {
            event.stopPropagation();
            event.preventDefault();
            cancel();
          }
        },
      },
    },
    before,
    h("div", { class: "editor-tabs" }, write, look, h("span", { class: "quiet" }, "Markdown")),
    field,
    preview,
    h("div", { class: "row end" }, cancel && h("button", { type: "button", on: { click: cancel } }, "Cancel"), button),
  );
  return {
    element,
    focus: () => turn(false),
    get value() {
      return field.value;
    },
    set value(text) {
      field.value = text;
    },
    field,
  };
}
