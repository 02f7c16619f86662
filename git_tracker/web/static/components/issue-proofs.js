import { actorName, asActor, avatar } from "../actors.js";
import { timeAgo } from "../clock.js";
import { h, icon } from "../dom.js";

/** Acceptance criteria and the evidence that they are met. */
export class IssueProofs extends HTMLElement {
  #was = "";

  show({ criteria = [], evidence = [] }) {
    const is = JSON.stringify([criteria, evidence]);
    if (is === this.#was) return;
    this.#was = is;
    const met = criteria.filter(({ checked }) => checked).length;
    this.replaceChildren(
      ...[
        criteria.length &&
          h(
            "section",
            {},
            h(
              "div",
              { class: "part-head" },
              h("h2", {}, "Acceptance criteria"),
              h("span", { class: "quiet" }, `${met} of ${criteria.length}`),
            ),
            h(
              "ul",
              { class: "criteria" },
              criteria.map(({ id, text, checked }) =>
                h(
                  "li",
                  { data: { criterion: id, checked: String(Boolean(checked)) } },
                  icon(checked ? "done" : "todo", checked ? "met" : "open"),
                  h("span", {}, text),
                ),
              ),
            ),
          ),
        evidence.length &&
          h(
            "section",
            {},
            h("div", { class: "part-head" }, h("h2", {}, "Evidence")),
            h(
              "ul",
              { class: "evidence" },
              evidence.map(({ kind, value, author, at }) =>
                h(
                  "li",
                  { data: { evidence: kind } },
                  h("span", { class: "chip plain" }, kind),
                  h("code", {}, value),
                  h("span", { class: "by" }, avatar(asActor(author), "small"), actorName(asActor(author)), timeAgo(at)),
                ),
              ),
            ),
          ),
      ].filter(Boolean),
    );
  }
}

customElements.define("issue-proofs", IssueProofs);
