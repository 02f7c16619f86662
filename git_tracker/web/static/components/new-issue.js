import { asActor, avatar } from "../actors.js";
import { h, icon } from "../dom.js";
import { priorityClass, priorityName, statusClass, typeIcon } from "../marks.js";
import { hashOf } from "../router.js";
import { PRIORITIES } from "../vocabulary.js";
import { choose } from "./menu.js";
import { repositoryOf } from "./repository-picker.js";

/** The dialog for a new issue. `given` fills fields beforehand, for example `{status: "todo"}`. */
export function openNewIssue(app, given = {}) {
  const fields = { type: "task", priority: 2, labels: [], assignee: null, ...given };
  const repositories = app.repositories.filter(({ state }) => state === "ok").map(({ name }) => name);
  const shown = repositoryOf(app.router.current.params.get("q") ?? "");
  if (repositories.length) fields.repository = repositories.includes(shown) ? shown : repositories[0];
  const title = h("input", {
    type: "text",
    name: "title",
    placeholder: "Title",
    "aria-label": "Title",
    maxlength: "512",
    required: true,
    autocomplete: "off",
  });
  const description = h("textarea", {
    name: "description",
    rows: 6,
    placeholder: "Description (Markdown)",
    "aria-label": "Description",
  });
  const criteria = h("textarea", {
    name: "criteria",
    rows: 2,
    placeholder: "Acceptance criteria, one a line",
    "aria-label": "Acceptance criteria, one a line",
  });
  const due = h("input", { type: "date", name: "due", class: "pick", title: "Due", "aria-label": "Due", max: "9999-12-31" });
  const says = h("p", { class: "says", role: "alert" });
  title.addEventListener("input", () => says.replaceChildren());
  const picks = h("div", { class: "picks" });
  const create = h("button", { type: "submit", class: "primary", title: "Ctrl+Enter" }, "Create issue");
  const dialog = h(
    "dialog",
    { class: "new-issue", "aria-label": "New issue" },
    h(
      "form",
      { method: "dialog", novalidate: true, on: { submit: send } },
      h(
        "header",
        {},
        h("h2", {}, "New issue"),
        h(
          "button",
          { type: "button", class: "bare", "aria-label": "Close", on: { click: () => dialog.close() } },
          icon("close"),
        ),
      ),
      title,
      description,
      criteria,
      picks,
      says,
      h(
        "div",
        { class: "row end" },
        h("button", { type: "button", on: { click: () => dialog.close() } }, "Cancel"),
        create,
      ),
    ),
  );

  const pick = (label, text, mark, options, take) => {
    const button = h(
      "button",
      {
        type: "button",
        class: "pick",
        "aria-haspopup": "listbox",
        title: label,
        on: {
          click: async () => {
            const chosen = await choose(button, { label, ...options });
            if (chosen === undefined) return;
            take(chosen);
            showPicks(label);
          },
        },
      },
      mark,
      h("span", { class: "pick-text" }, text),
    );
    return button;
  };
  const showPicks = (focus) => {
    const { words } = app;
    const statuses = words.statuses.map(({ status, category, title: name }) => ({
      value: status,
      label: name,
      mark: icon(statusClass(category)),
      chosen: status === fields.status,
    }));
    const status = words.status(fields.status ?? words.statuses[0].status);
    picks.replaceChildren(
      ...(repositories.length
        ? [
            pick(
              "Repository",
              fields.repository,
              icon("board"),
              { items: repositories.map((name) => ({ value: name, label: name, chosen: name === fields.repository })) },
              (value) => {
                fields.repository = value;
              },
            ),
          ]
        : []),
      pick("Status", status.title, icon(statusClass(status.category)), { items: statuses }, (value) => {
        fields.status = value;
      }),
      pick(
        "Type",
        fields.type,
        icon(typeIcon(fields.type)),
        {
          free: "Type or choose",
          items: [...words.types].map((type) => ({
            value: type,
            label: type,
            mark: icon(typeIcon(type)),
            chosen: type === fields.type,
          })),
        },
        (value) => {
          fields.type = value;
        },
      ),
      pick(
        "Priority",
        priorityName(fields.priority),
        h("span", { class: `icon ${priorityClass(fields.priority)}` }),
        {
          items: PRIORITIES.map((label, value) => ({
            value,
            label,
            mark: h("span", { class: `icon ${priorityClass(value)}` }),
            chosen: value === fields.priority,
          })),
        },
        (value) => {
          fields.priority = value;
        },
      ),
      pick(
        "Assignee",
        fields.assignee ?? "Assignee",
        fields.assignee ? avatar(asActor(fields.assignee), "small") : icon("user"),
        {
          free: "Name",
          items: [
            { value: null, label: "Nobody" },
            ...[...new Set([app.me.person, ...words.people])].map((name) => ({
              value: name,
              label: name,
              mark: avatar(asActor(name), "small"),
            })),
          ],
        },
        (value) => {
          fields.assignee = value;
        },
      ),
      pick(
        "Labels",
        fields.labels.length ? fields.labels.join(", ") : "Labels",
        icon("tag"),
        {
          free: "Label",
          items: [...words.labels]
            .sort()
            .map((label) => ({ value: label, label, chosen: fields.labels.includes(label) })),
        },
        (value) => {
          fields.labels = fields.labels.includes(value)
            ? fields.labels.filter((one) => one !== value)
            : [...fields.labels, value];
        },
      ),
      pick(
        "Parent",
        fields.parent ? fields.parent.slice(0, 8) : "Parent",
        icon("link"),
        { free: "Id of the parent", items: fields.parent ? [{ value: null, label: "No parent" }] : [] },
        (value) => {
          fields.parent = value;
        },
      ),
      pick(
        "Milestone",
        fields.milestone ?? "Milestone",
        icon("epic"),
        {
          free: "Milestone",
          items: [
            { value: null, label: "None" },
            ...[...words.milestones].map((name) => ({ value: name, label: name, chosen: name === fields.milestone })),
          ],
        },
        (value) => {
          fields.milestone = value;
        },
      ),
      h("label", { class: "due-pick" }, icon("date"), "Due", due),
    );
    if (focus) picks.querySelector(`[title="${focus}"]`)?.focus();
  };

  async function send(event) {
    event.preventDefault();
    if (create.disabled) return;
    if (!title.value.trim()) {
      says.textContent = "A title is needed.";
      title.focus();
      return;
    }
    create.disabled = true;
    try {
      const body = {
        ...fields,
        title: title.value.trim(),
        description: description.value,
        criteria: criteria.value.split("\n").map((line) => line.trim()).filter(Boolean),
        due: due.value && `${due.value}T00:00:00Z`,
      };
      for (const [name, value] of Object.entries(body))
        if (value === null || value === "" || value?.length === 0) delete body[name];
      const issue = await app.api.create(body);
      dialog.close();
      app.toasts.say(`Created ${issue.short}.`);
      app.router.go(hashOf.issue(issue.id));
    } catch (problem) {
      says.textContent = [problem.message, problem.hint].filter(Boolean).join(" ");
    } finally {
      create.disabled = false;
    }
  }

  dialog.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) send(event);
  });
  dialog.addEventListener("close", () => dialog.remove());
  showPicks();
  document.body.append(dialog);
  dialog.showModal();
  title.focus();
}
