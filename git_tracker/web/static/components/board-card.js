import { asActor, avatar, isAgent, nameOf } from "../actors.js";
import { remaining } from "../clock.js";
import { h, setText } from "../dom.js";
import { labelChip, plainId, priorityClass, priorityName, repositoryBadge, stateMarks, typeIcon } from "../marks.js";
import { hashOf } from "../router.js";
import { hue, plural, visible } from "../text.js";

const LABELS_SHOWN = 3;
const LONGEST_NAME = 18;

/** One issue on the board. Kept to about a dozen elements: a full board must stay light. */
export class BoardCard extends HTMLElement {
  #was = "";
  row;

  constructor(row, writable) {
    super();
    this.setAttribute("role", "listitem");
    this.draggable = writable;
    this.show(row);
  }

  /** Patches the card; returns true if something visible changed. */
  show(row) {
    const is = JSON.stringify(row);
    if (is === this.#was) return false;
    const link = this.querySelector("a");
    this.#was = is;
    this.row = row;
    this.dataset.issue = row.id;
    this.dataset.status = row.status;
    const title = link ?? h("a", { class: "card-title", tabindex: "-1", draggable: "false" });
    title.href = hashOf.issue(row.id);
    setText(title, row.title);
    for (const child of [...this.children]) if (child !== title) child.remove(); // the link stays: it may have the focus
    if (!link) this.append(title);
    title.before(...this.#top(row));
    title.after(...this.#foot(row));
    return true;
  }

  flash() {
    this.classList.remove("changed");
    void this.offsetWidth; // starts the animation again
    this.classList.add("changed");
  }

  #top(row) {
    return [
      h("span", { class: `card-id with-icon i-${typeIcon(row.type)}`, title: row.type }, plainId(row)),
      repositoryBadge(row),
      h("span", {
        class: `icon priority ${priorityClass(row.priority)}`,
        role: "img",
        "aria-label": priorityName(row.priority),
        title: priorityName(row.priority),
        data: { priority: row.priority },
      }),
      row.comment_count > 0 &&
        h(
          "span",
          { class: "count with-icon i-comment", title: plural(row.comment_count, "comment") },
          row.comment_count,
        ),
      row.assignee && avatar(asActor(row.assignee), "small end"),
    ].filter(Boolean);
  }

  #foot(row) {
    const labels = row.labels ?? [];
    return [
      ...stateMarks(row),
      ...labels.slice(0, LABELS_SHOWN).map(labelChip),
      labels.length > LABELS_SHOWN &&
        h(
          "span",
          { class: "chip more", title: labels.slice(LABELS_SHOWN).join(", ") },
          `+${labels.length - LABELS_SHOWN}`,
        ),
      row.claim && claimTag(row.claim),
    ].filter(Boolean);
  }
}

/** Who holds an issue and for how long still; the clock keeps the text true. */
export function claimTag(claim) {
  const actor = asActor(claim.actor);
  const name = [...visible(nameOf(actor))];
  const who = `${name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME - 1).join("")}…` : name.join("")} · `; // the lease matters more than the whole name
  const tentative = claim.state && !["held", "live", "firm", "active"].includes(claim.state) ? `, ${claim.state}` : "";
  return h(
    "span",
    {
      class: `claim with-icon i-${isAgent(actor) ? "agents" : "claim"}`,
      title: `Claimed by ${nameOf(actor)}${tentative}`,
      vars: { "--h": hue(actor?.id ?? "") },
      data: { until: claim.until ?? "", who, claim: actor?.id ?? "" },
    },
    who + remaining(claim.until),
  );
}

customElements.define("board-card", BoardCard);
