import { actorName, asActor, avatar } from "../actors.js";
import { timeAgo } from "../clock.js";
import { h } from "../dom.js";

/** Acceptance criteria, the evidence that they are met, and attached files. */
export class IssueProofs extends HTMLElement {
  #act;
  #writable;
  #was = "";

  constructor(app, act) {
    super();
    this.#act = act;
    this.#writable = app.me.role !== "observer";
  }

  show({ criteria = [], evidence = [], attachments = [] }) {
    const is = JSON.stringify([criteria, evidence, attachments]);
    if (is === this.#was) return;
    this.#was = is;
    const focused = document.activeElement?.closest?.("[data-criterion]")?.dataset.criterion;
    const met = criteria.filter(({ checked }) => checked).length;
    this.replaceChildren(
      ...section(
        "Acceptance criteria",
        "criteria",
        criteria.map((one) => this.#criterion(one)),
        `${met} of ${criteria.length}`,
      ),
      ...section("Evidence", "evidence", evidence.map(proof)),
      ...section("Attachments", "evidence", attachments.map(attachment)),
    );
    if (focused) this.querySelector(`[data-criterion="${CSS.escape(focused)}"] input`)?.focus();
  }

  #criterion({ id, text, checked }) {
    const box = h("input", {
      type: "checkbox",
      checked,
      disabled: !this.#writable,
      on: { change: () => this.#check(id, box) },
    });
    return h(
      "li",
      { data: { criterion: id, checked: String(Boolean(checked)) } },
      h("label", {}, box, h("span", {}, text)),
    );
  }

  async #check(id, box) {
    const done = await this.#act.change(box.checked ? { check_criteria: [id] } : { uncheck_criteria: [id] });
    if (!done) box.checked = !box.checked;
  }
}

function section(title, kind, items, beside) {
  if (!items.length) return [];
  return [
    h(
      "section",
      {},
      h("div", { class: "part-head" }, h("h2", {}, title), beside && h("span", { class: "quiet" }, beside)),
      h("ul", { class: kind }, items),
    ),
  ];
}

function proof({ kind, value, author, at }) {
  return h(
    "li",
    { data: { evidence: kind } },
    h("span", { class: "chip plain" }, kind),
    h("code", {}, value),
    h("span", { class: "by" }, avatar(asActor(author), "small"), actorName(asActor(author)), timeAgo(at)),
  );
}

function attachment({ name, size, sha512, at }) {
  return h(
    "li",
    { data: { attachment: name } },
    h("span", { title: `sha512 ${sha512}` }, name),
    h("span", { class: "quiet" }, `${Math.max(1, Math.round(size / 1024)).toLocaleString("en")} KiB`),
    timeAgo(at),
  );
}

customElements.define("issue-proofs", IssueProofs);
