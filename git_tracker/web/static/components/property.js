import { asActor, nameOf } from "../actors.js";
import { h } from "../dom.js";
import { stateMarks } from "../marks.js";
import { hashOf } from "../router.js";

/** One fact: a word and its value; null if there is nothing to say. */
export function row(field, label, value) {
  if (value === null || value === undefined || value === false || value === "") return null;
  return h("div", { class: "property", data: { property: field } }, h("dt", {}, label), h("dd", {}, value));
}

export function marks(issue) {
  const some = stateMarks({ ...issue, imported: false });
  return some.length ? h("span", { class: "chips" }, some) : null;
}

// each kind of link, read outwards and inwards
const LINK_WORDS = {
  blocks: ["blocks", "blocked by"],
  relates: ["relates to", "relates to"],
  duplicates: ["duplicates", "duplicated by"],
  supersedes: ["supersedes", "superseded by"],
  "discovered-from": ["discovered from", "led to"],
  parent: ["child of", "parent of"],
};

export function links({ links: all = [] }) {
  if (!all.length) return null;
  return row(
    "links",
    "Links",
    h(
      "ul",
      { class: "links" },
      all.map(({ kind, issue, direction, repository }) =>
        h(
          "li",
          { data: { link: kind } },
          (LINK_WORDS[kind] ?? [kind, `${kind} (from)`])[direction === "in" ? 1 : 0],
          " ",
          h("a", { class: "short", href: hashOf.issue(issue) }, [repository, issue.slice(0, 8)].filter(Boolean).join("#")),
        ),
      ),
    ),
  );
}

export function importedText(imported) {
  const by = imported.by && nameOf(asActor(imported.by));
  return h(
    "span",
    { class: "mark with-icon i-imported", data: { mark: "imported" } },
    [imported.from, imported.id, by && `by ${by}`].filter(Boolean).join(" "),
  );
}

/** `duration(5400)` is "1 h 30 min"; the API counts in seconds. */
export function duration(seconds) {
  const minutes = Math.round(Number(seconds) / 60);
  return (
    [minutes >= 60 && `${Math.floor(minutes / 60)} h`, minutes % 60 && `${minutes % 60} min`]
      .filter(Boolean)
      .join(" ") || "under a minute"
  );
}
