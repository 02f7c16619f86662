import { actorName, asActor, avatar, clientTag } from "../actors.js";
import { timeAgo } from "../clock.js";
import { h, keyed, setText } from "../dom.js";
import { verdictBadge } from "../marks.js";
import { renderMarkdown } from "../markdown/render.js";
import { plural } from "../text.js";
import { markdownEditor } from "./markdown-editor.js";

const AT_FIRST = 80;
const drafts = new Map(); // an unfinished comment survives looking at another issue

/** The comments in order, and the field for the next one. */
export class IssueDiscussion extends HTMLElement {
  #act;
  #writable;
  #issue;
  #events = [];
  #editor;
  #list = h("ol", { class: "comments", "aria-label": "Comments" });
  #none = h("p", { class: "none" }, "No comments yet.");
  #shown = AT_FIRST;
  #earlier = h("button", {
    type: "button",
    class: "earlier",
    hidden: true,
    on: {
      click: () => {
        this.#shown = Infinity;
        this.show(this.#issue, this.#events);
      },
    },
  });

  constructor(app, act) {
    super();
    this.#act = act;
    this.#writable = app.me.role !== "observer";
  }

  connectedCallback() {
    if (this.firstElementChild) return;
    this.append(this.#earlier, this.#list, this.#none);
    if (!this.#writable) return;
    this.#editor = markdownEditor({
      label: "Comment",
      submit: "Comment",
      rows: 3,
      placeholder: "Write a comment",
      save: (body) => this.#send(body),
    });
    this.#editor.element.classList.add("composer");
    this.#editor.field.addEventListener("input", () => drafts.set(this.#issue.id, this.#editor.value));
    this.append(this.#editor.element);
  }

  show(issue, events) {
    if (!this.#issue && this.#editor) this.#editor.value = drafts.get(issue.id) ?? "";
    this.#issue = issue;
    this.#events = events;
    const entries = new Map(events.filter(({ type }) => type === "comment-added").map((event) => [event.entry, event]));
    const event = (comment) => entries.get(String(comment.id).slice(0, 40));
    const shown = this.#shown === Infinity ? issue.comments : issue.comments.slice(-this.#shown);
    this.#earlier.hidden = shown.length === issue.comments.length;
    setText(this.#earlier, `Show ${plural(issue.comments.length - shown.length, "earlier comment")}`);
    keyed(
      this.#list,
      shown,
      ({ id }) => id,
      (comment) => fill(h("li", { class: "comment" }), comment, event(comment)),
      (element, comment) => fill(element, comment, event(comment)),
    );
    this.#none.hidden = issue.comments.length > 0;
  }

  async #send(body) {
    if (!body.trim()) return this.#editor.focus();
    if (!(await this.#act.comment(body))) return;
    drafts.delete(this.#issue.id);
    this.#editor.value = "";
    this.#editor.focus();
  }
}

function fill(element, comment, event) {
  const is = JSON.stringify([comment, event?.verdict]);
  if (element.was === is) return element;
  element.was = is;
  element.dataset.comment = comment.id;
  const author = asActor(comment.author);
  element.replaceChildren(
    avatar(author),
    h(
      "article",
      {},
      h(
        "header",
        {},
        actorName(author),
        clientTag(author),
        timeAgo(comment.created_at),
        comment.edited && h("span", { class: "quiet" }, "edited"),
        comment.imported && h("span", { class: "mark with-icon i-imported", data: { mark: "imported" } }, "imported"),
        h("span", { class: "grow" }),
        event && verdictBadge(event.verdict, event.reason),
      ),
      comment.redacted
        ? h("p", { class: "quiet" }, "This comment was redacted.")
        : h("div", { class: "markdown" }, renderMarkdown(comment.body)),
    ),
  );
  return element;
}

customElements.define("issue-discussion", IssueDiscussion);
