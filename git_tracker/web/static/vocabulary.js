import { asActor } from "./actors.js";

export const TYPES = ["task", "bug", "feature", "epic", "chore"];
export const PRIORITIES = ["P0 critical", "P1 high", "P2 normal", "P3 low", "P4 someday"];
const DEFAULT_STATUSES = [
  { status: "todo", category: "todo", title: "Todo" },
  { status: "in-progress", category: "active", title: "In progress" },
  { status: "done", category: "done", title: "Done" },
];

/** The words in use here: statuses from the board, labels, people and milestones as they were seen. Menus offer them. */
export class Vocabulary {
  statuses = DEFAULT_STATUSES;
  labels = new Set();
  people = new Set();
  types = new Set(TYPES);
  milestones = new Set();

  learnColumns(columns) {
    if (columns.length)
      this.statuses = columns.map(({ status, category, title }) => ({ status, category, title: title || status }));
    for (const column of columns) this.learn(column.items);
  }

  learn(issues) {
    for (const issue of issues) {
      for (const label of issue.labels ?? []) this.labels.add(label);
      if (issue.assignee) this.people.add(issue.assignee);
      const author = asActor(issue.author);
      if (author && !author.session) this.people.add(author.id);
      if (issue.type) this.types.add(issue.type);
      if (issue.milestone) this.milestones.add(issue.milestone);
    }
  }

  status(name) {
    return this.statuses.find(({ status }) => status === name) ?? { status: name, category: "todo", title: name };
  }
}
