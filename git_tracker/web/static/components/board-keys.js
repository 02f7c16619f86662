import { icon } from "../dom.js";
import { statusClass } from "../marks.js";
import { choose } from "./menu.js";

/**
 * The board without a mouse: arrow keys move between cards (only one card is in the tab order), `[` and `]` move the
 * focused card one column, `s` opens the list of statuses.
 */
export function moveByKeys(columns, app, move) {
  const links = (column) => [...column.querySelectorAll("a.card-title")];
  const focus = (link) => {
    if (!link) return;
    for (const other of columns.querySelectorAll('a.card-title[tabindex="0"]')) other.tabIndex = -1;
    link.tabIndex = 0;
    link.focus();
    link.closest("board-card").scrollIntoView({ block: "nearest", inline: "nearest" });
  };
  const shift = async (card, step) => {
    const at = app.words.statuses.findIndex(({ status }) => status === card.row.status);
    const target = app.words.statuses[at + step];
    if (target) focus((await move(card, target.status))?.querySelector("a"));
  };
  const pick = async (card, link) => {
    const status = await choose(link, {
      label: "Status",
      items: app.words.statuses.map(({ status, category, title }) => ({
        value: status,
        label: title,
        mark: icon(statusClass(category)),
        chosen: status === card.row.status,
      })),
    });
    if (status) focus((await move(card, status))?.querySelector("a"));
  };

  columns.addEventListener("focusin", ({ target }) => {
    if (!target.matches("a.card-title") || target.tabIndex === 0) return;
    for (const other of columns.querySelectorAll('a.card-title[tabindex="0"]')) other.tabIndex = -1;
    target.tabIndex = 0;
  });
  columns.addEventListener("click", (event) => {
    // a card is as big as a link: a click anywhere on it opens the issue
    const card = event.target.closest("board-card");
    if (card && !event.target.closest("a") && !getSelection().toString()) card.querySelector("a").click();
  });
  columns.addEventListener("keydown", (event) => {
    const link = event.target.closest("a.card-title");
    if (!link || event.metaKey) return;
    const card = link.closest("board-card");
    const column = link.closest("board-column");
    const at = links(column).indexOf(link);
    const beside = (side) => {
      for (let next = column[side]; next; next = next[side])
        if (links(next).length) return links(next)[Math.min(at, links(next).length - 1)];
    };
    const writable = app.me.role !== "observer";
    const actions = {
      ArrowDown: () => focus(links(column)[at + 1]),
      ArrowUp: () => focus(links(column)[at - 1]),
      ArrowLeft: () => focus(beside("previousElementSibling")),
      ArrowRight: () => focus(beside("nextElementSibling")),
      "[": () => writable && shift(card, -1),
      "]": () => writable && shift(card, +1),
      s: () => writable && !event.ctrlKey && pick(card, link),
    };
    if (!actions[event.key]) return;
    event.preventDefault();
    actions[event.key]();
  });
}
