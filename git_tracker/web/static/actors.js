import { h } from "./dom.js";
import { hashOf } from "./router.js";
import { hue } from "./text.js";

/** An actor as an object, whether the API gave one or only a handle. */
export function asActor(actor) {
  if (!actor) return null;
  return typeof actor === "string" ? { id: actor, name: actor, session: "", person: actor, client: "" } : actor;
}

export function isAgent(actor) {
  return Boolean(actor?.session);
}

export function nameOf(actor) {
  return actor ? actor.name || actor.id || "unknown" : "unknown";
}

/** People are round, agents are hexagons: one look tells who works. */
export function avatar(actor, size = "") {
  const name = nameOf(actor);
  const kind = isAgent(actor) ? "agent" : "person";
  const title =
    kind === "agent"
      ? `${name}, agent of ${actor.person || "unknown"}${actor.client ? `, ${actor.client}` : ""}`
      : name;
  return h(
    "span",
    {
      class: `avatar ${kind} ${size}`.trim(),
      title,
      role: "img",
      "aria-label": title,
      vars: { "--h": hue(actor?.id || name) },
    },
    initials(name),
  );
}

/** The name of an actor; for an agent a link to its trail. */
export function actorName(actor) {
  if (!isAgent(actor)) return h("span", { class: "actor", data: { actor: actor?.id } }, nameOf(actor));
  return h("a", { class: "actor", href: hashOf.agent(actor.id), data: { actor: actor.id } }, nameOf(actor));
}

/** "claude-code/2.1" as a quiet tag, and for whom the agent works. */
export function clientTag(actor) {
  if (!isAgent(actor)) return null;
  return h(
    "span",
    { class: "client" },
    [actor.client, actor.person && `for ${actor.person}`].filter(Boolean).join(" "),
  );
}

function initials(name) {
  const words = name.split(/[\s_\-./@]+/).filter(Boolean);
  const letters = words.length > 1 ? [...words[0]][0] + [...words[1]][0] : [...name].slice(0, 2).join("");
  return letters.toUpperCase();
}
