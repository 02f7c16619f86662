import { h, icon } from "../dom.js";
import { renderMarkdown } from "../markdown/render.js";
import { markdownEditor } from "./markdown-editor.js";

/** The description, rendered; and its editor. An edit never overwrites what came in meanwhile without asking. */
export class IssueDescription extends HTMLElement {
  #act;
  #text = null;
  #shown = h("div", { class: "markdown", data: { part: "description" } });
  #edit = h(
    "button",
    {
      type: "button",
      class: "quiet-button",
      data: { write: "", action: "edit-description" },
      on: { click: () => this.#open() },
    },
    icon("edit"),
    "Edit",
  );
  #writable;

  constructor(app, act) {
    super();
    this.#act = act;
    this.#writable = app.me.role !== "observer";
  }

  connectedCallback() {
    if (this.firstElementChild) return;
    this.append(h("div", { class: "part-head" }, h("h2", {}, "Description"), this.#edit), this.#shown);
  }

  show({ description }) {
    if (description === this.#text) return;
    this.#text = description;
    if (description?.trim()) this.#shown.replaceChildren(renderMarkdown(description));
    else
      this.#shown.replaceChildren(
        h("p", { class: "quiet" }, this.#writable ? "No description yet." : "No description."),
      );
  }

  #open() {
    if (this.querySelector("form")) return;
    let base = this.#text ?? "";
    const warning = h("div", { class: "warning", role: "alert", hidden: true });
    const close = () => {
      editor.element.remove();
      this.#shown.hidden = this.#edit.hidden = false;
      this.#act.editing(false);
      this.#edit.focus();
    };
    const save = async (description) => {
      if (description === this.#text) return close();
      if (this.#text !== base) {
        // somebody else wrote while this editor was open
        warning.hidden = false;
        warning.replaceChildren(
          h("p", {}, "The description has changed while you were writing. Your text is still here."),
          h(
            "button",
            {
              type: "button",
              on: {
                click: () => {
                  base = this.#text;
                  save(editor.value);
                },
              },
            },
            "Save mine",
          ),
          h(
            "button",
            {
              type: "button",
              on: {
                click: () => {
                  base = editor.value = this.#text;
                  warning.hidden = true;
                  editor.focus();
                },
              },
            },
            "Take theirs",
          ),
        );
        return;
      }
      const problem = await this.#act.changeUnmoved({ description });
      if (!problem) return close();
      const before = this.#text;
      if ([409, 412].includes(problem.status)) {
        // some other field moved: read again, and try once more if the text is the same
        await this.#act.reread();
        if (this.#text === before && (await this.#act.change({ description }))) return close();
        return save(description);
      }
      warning.hidden = false;
      warning.replaceChildren(h("p", {}, [problem.message, problem.hint].filter(Boolean).join(" ")));
    };
    const editor = markdownEditor({
      label: "Description",
      value: base,
      submit: "Save",
      save,
      cancel: close,
      before: warning,
      rows: 14,
    });
    this.#shown.hidden = this.#edit.hidden = true;
    this.append(editor.element);
    this.#act.editing(true);
    editor.focus();
  }
}

customElements.define("issue-description", IssueDescription);
