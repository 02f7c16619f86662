import { asActor, avatar } from "../actors.js";
import { h, icon, setText } from "../dom.js";
import { typeIcon } from "../marks.js";
import { Refresh } from "../refresh.js";
import { visible } from "../text.js";
import { IssueConflicts } from "./issue-conflicts.js";
import { IssueDescription } from "./issue-description.js";
import { IssueDiscussion } from "./issue-discussion.js";
import { IssueHistory } from "./issue-history.js";
import { IssueProofs } from "./issue-proofs.js";
import { IssueProperties } from "./issue-properties.js";
import { IssueTitle } from "./issue-title.js";
import { tabs } from "./tabs.js";

/**
 * One issue, beside the page it was opened from. It reads the issue and its history, and hands the issue to its parts,
 * each of which has `show(issue, events)` and writes through `this.act`.
 */
export class IssuePanel extends HTMLElement {
  #app;
  #close;
  #stop = new AbortController();
  #refresh = new Refresh(() => this.#read(), 300);
  #issue = null;
  #events = [];
  #etag = null;
  #parts;
  #bar = h("div", { class: "panel-bar" });
  #short = h("button", {
    type: "button",
    class: "bare panel-id",
    title: "Copy the full id",
    on: { click: () => this.#copy() },
  });
  #here = h("span", { class: "people", role: "status" });
  #says = h("p", { class: "says", role: "status" }, "Reading…");
  #tabs;

  constructor(app, id, close) {
    super();
    this.#app = app;
    this.#close = close;
    this.issue = id;
  }

  connectedCallback() {
    const { signal } = this.#stop;
    const { live } = this.#app;
    this.setAttribute("role", "region");
    this.setAttribute("aria-label", "Issue");
    this.tabIndex = -1;
    this.dataset.issue = this.issue;
    const discussion = new IssueDiscussion(this.#app, this.act);
    const history = new IssueHistory();
    this.#parts = [
      new IssueTitle(this.#app, this.act),
      new IssueConflicts(this.#app, this.act),
      new IssueProperties(this.#app, this.act),
      new IssueDescription(this.#app, this.act),
      new IssueProofs(this.#app, this.act),
      discussion,
      history,
    ];
    const [title, conflicts, properties, description, proofs] = this.#parts;
    this.#tabs = tabs([
      ["comments", "Comments", discussion],
      ["history", "History", history],
    ]);
    this.#bar.append(
      this.#short,
      this.#here,
      h("span", { class: "grow" }),
      h(
        "button",
        {
          type: "button",
          class: "bare",
          data: { action: "widen" },
          title: "Use the whole width",
          "aria-label": "Use the whole width",
          on: { click: () => this.closest("app-shell").toggleAttribute("data-wide") },
        },
        icon("expand"),
      ),
      h(
        "button",
        {
          type: "button",
          class: "bare",
          data: { action: "close" },
          title: "Close (Esc)",
          "aria-label": "Close the issue",
          on: { click: () => this.#close() },
        },
        icon("close"),
      ),
    );
    this.append(
      this.#bar,
      this.#says,
      h(
        "div",
        { class: "panel-body", hidden: true },
        title,
        conflicts,
        h(
          "div",
          { class: "panel-columns" },
          h("div", { class: "panel-main" }, description, proofs, this.#tabs.element),
          properties,
        ),
      ),
    );
    live.addEventListener(
      "event",
      ({ detail }) => {
        if (this.#concerns(detail.issue)) this.#refresh.cue();
      },
      { signal },
    );
    live.addEventListener("reset", () => this.#refresh.cue(), { signal });
    live.addEventListener("presence", () => this.#showPeople(), { signal });
    this.addEventListener("keydown", (event) => {
      if (event.key === "s" && !event.target.closest("input, textarea") && !event.ctrlKey && !event.metaKey) {
        event.preventDefault();
        properties.pickStatus();
      }
    });
    this.#refresh.now().then(() => this.focus({ preventScroll: true }));
  }

  disconnectedCallback() {
    this.#stop.abort();
    this.#refresh.stop();
    this.#app.live.editing(null);
    this.#app.live.viewing(null);
  }

  /** What the parts may do. Each returns true if the store took it; a refusal is shown as a message. */
  act = {
    change: (fields) => this.#write((api, id) => api.change(id, fields)),
    /** As `change`, but only if the issue still has the heads that were read; answers the Problem instead of showing it. */
    changeUnmoved: async (fields) => {
      try {
        this.#take(await this.#app.api.change(this.#issue.id, fields, this.#etag));
        await this.#refresh.now();
        return null;
      } catch (problem) {
        return problem;
      }
    },
    reread: async () => {
      await this.#refresh.now();
      return this.#issue;
    },
    comment: (body) => this.#write((api, id) => api.comment(id, body)),
    claim: () => this.#write((api, id) => api.claim(id)),
    release: () => this.#write((api, id) => api.release(id)),
    /** Settles a conflict as it was shown; if it is another by now, answers the Problem, with the new state shown. */
    settle: async (answer, shown) => {
      for (let tries = 3; ; tries--) {
        try {
          this.#take(await this.#app.api.resolve(this.#issue.id, answer, this.#etag));
          await this.#refresh.now();
          return null;
        } catch (problem) {
          if (![409, 412].includes(problem.status)) return problem;
          await this.#read(); // something else moved: go on if the conflict is still the one that was looked at
          const now = this.#issue.conflicts.find(({ field }) => field === answer.field);
          if (tries <= 1 || JSON.stringify(now) !== JSON.stringify(shown)) return problem;
        }
      }
    },
    editing: (on) => this.#app.live.editing(on ? this.#issue.id : null),
  };

  async #write(send) {
    try {
      this.#take(await send(this.#app.api, this.#issue.id));
      this.#refresh.cue(); // the history and the ETag belong to the new state too
      return true;
    } catch (problem) {
      this.#app.toasts.refuse(problem);
      return false;
    }
  }

  async #read() {
    try {
      const [{ issue, etag }, history] = await Promise.all([
        this.#app.api.issue(this.issue, this.#stop.signal),
        this.#app.api.history(this.issue, this.#stop.signal),
      ]);
      this.#events = history;
      this.#etag = etag;
      this.#take(issue);
    } catch (problem) {
      if (problem.name === "AbortError" || problem.status === 401) return;
      if (!this.#issue)
        setText(
          this.#says,
          problem.status === 404
            ? "There is no issue with this id here. It may not have been synced yet."
            : [problem.message, problem.hint].filter(Boolean).join(" "),
        );
      else this.#app.toasts.refuse(problem);
    }
  }

  #take(issue) {
    if (!this.#issue) this.#app.live.viewing(issue.id);
    this.#issue = issue;
    this.#app.words.learn([issue]);
    document.title = `${issue.short} ${issue.title.slice(0, 80)} · ${this.#app.me.repository}`;
    this.#says.hidden = true;
    this.querySelector(".panel-body").hidden = false;
    this.dataset.status = issue.status;
    this.#short.className = `bare panel-id with-icon i-${typeIcon(issue.type)}`;
    setText(this.#short, issue.short);
    this.setAttribute("aria-label", `Issue ${visible(issue.title)}`);
    for (const part of this.#parts) part.show(issue, this.#events);
    this.#tabs.count("comments", issue.comments.length);
    this.#tabs.count("history", this.#events.length || issue.events);
    this.#showPeople();
  }

  #showPeople() {
    const { live } = this.#app;
    const here = live.people.filter(
      ({ id, viewing, editing }) => id !== live.me?.id && (this.#concerns(viewing) || this.#concerns(editing)),
    );
    const writes = here.find(({ editing }) => this.#concerns(editing));
    this.#here.replaceChildren(
      ...here.slice(0, 4).map((person) => avatar(asActor({ ...person, session: "" }), "small")),
      writes ? h("span", { class: "quiet" }, `${writes.name} is editing`) : "",
    );
  }

  #concerns(id) {
    return Boolean(id) && (id === this.#issue?.id || id === this.issue);
  }

  async #copy() {
    try {
      await navigator.clipboard.writeText(this.#issue.id);
      this.#app.toasts.say("Copied the full id.");
    } catch {
      this.#app.toasts.say(this.#issue.id, "The browser did not allow copying; here is the full id.");
    }
  }
}

customElements.define("issue-panel", IssuePanel);
