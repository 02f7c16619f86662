import { asActor, avatar, nameOf } from "../actors.js";
import { fullTime, timeAgo } from "../clock.js";
import { h, icon } from "../dom.js";
import { verdictBadge } from "../marks.js";
import { hashOf } from "../router.js";
import { plural } from "../text.js";

const HASH = /^[0-9a-f]{40,64}$/;

/** Who this session is. */
export function identity(agent) {
  const person = asActor(agent.person);
  return h(
    "div",
    { class: "trail-who" },
    avatar({ ...agent, session: agent.session === "" ? "" : agent.id, person: person?.id }, "large"),
    h(
      "div",
      {},
      h("h1", {}, agent.name || agent.id, agent.active && h("span", { class: "active-now" }, "active"), agent.revoked && revokedMark()),
      h(
        "p",
        { class: "quiet" },
        [
          agent.client,
          agent.session !== "" && `for ${nameOf(person)}`,
          plural(agent.events ?? 0, "event"),
          plural(agent.issues ?? 0, "issue"),
        ]
          .filter(Boolean)
          .join(" · "),
      ),
      h(
        "p",
        { class: "quiet" },
        agent.session === "" ? "Person " : "Session ",
        h("code", {}, agent.id),
        ", started ",
        timeAgo(agent.started_at),
        ", last seen ",
        timeAgo(agent.last_at),
      ),
    ),
  );
}

/** Says that a session was ended for good: what it writes from then on counts nowhere. */
export function revokedMark() {
  return h("span", { class: "mark with-icon i-quarantined", data: { mark: "apart" } }, "revoked");
}

/** Who let it act, with which keys, from when to when, and how far. */
export function delegationCard(delegation, agent) {
  if (!delegation && agent.session === "")
    return h(
      "section",
      { class: "card", data: { delegation: "person" } },
      h("h2", {}, icon("key"), "Delegation"),
      h("p", {}, "A person signs with a key of their own; nobody has to delegate."),
    );
  if (!delegation)
    return h(
      "section",
      { class: "card bad", data: { delegation: "missing" } },
      h("h2", {}, icon("key"), "Delegation"),
      h("p", {}, "No certificate for this session is known here, so nobody vouches for it."),
    );
  const over = delegation.valid_before && new Date(delegation.valid_before) < new Date();
  return h(
    "section",
    { class: "card", data: { delegation: "known" } },
    h("h2", {}, icon("key"), "Delegation"),
    h(
      "dl",
      { class: "facts" },
      ...fact("Delegated by", delegation.person_name || delegation.person),
      ...fact("Key of the person", h("code", {}, delegation.person_key)),
      ...fact("Key of the session", h("code", {}, delegation.key)),
      ...fact(
        "Certificate",
        `serial ${delegation.serial}${delegation.label ? `, “${delegation.label}”` : ""}${delegation.client ? `, ${delegation.client}` : ""}`,
      ),
      ...fact(
        "Valid",
        `${fullTime(delegation.valid_after)} to ${fullTime(delegation.valid_before)}${over ? " (over)" : ""}`,
      ),
      ...fact("Scope", scopeText(delegation.scope)),
    ),
  );
}

/** Whether its entries follow each other without holes and without two in one place. */
export function chainCard(chain, agent) {
  const gaps = chain?.gaps ?? [];
  const forks = chain?.forks ?? [];
  const state = chain?.ok ? "ok" : forks.length ? "forks" : gaps.length ? "gaps" : "broken";
  const words = {
    ok: "Unbroken: every entry names the one before it.",
    gaps: "Entries are missing from this chain.",
    forks: "Two entries claim the same place in this chain.",
    broken: "The chain does not hold.",
  };
  const list = (title, things) =>
    things.length > 0 &&
    h(
      "div",
      { class: "chain-list" },
      h("h3", {}, title),
      h(
        "ul",
        {},
        things.slice(0, 50).map((thing) => h("li", {}, describe(thing))),
      ),
    );
  return h(
    "section",
    { class: `card ${chain?.ok ? "good" : "bad"}`, data: { chain: state } },
    h("h2", {}, icon(chain?.ok ? "ok" : "quarantined"), "Chain"),
    h("p", {}, plural(chain?.entries ?? 0, "entry", "entries"), ". ", words[state]),
    h(
      "p",
      { class: "verdict-row" },
      [
        ["ok", agent.ok],
        ["muted", agent.muted],
        ["quarantined", agent.quarantined],
      ]
        .filter(([, count]) => count)
        .map(([verdict, count]) =>
          h("span", { class: "verdict-count" }, count.toLocaleString("en"), " ", verdictBadge(verdict)),
        ),
    ),
    list("Gaps", gaps),
    list("Forks", forks),
  );
}

/** Where others took out of done what the agent had moved there; nothing if nobody did. */
export function reopenedCard(reopened) {
  if (!reopened?.length) return [];
  return [
    h(
      "section",
      { class: "card", data: { reopened: reopened.length } },
      h("h2", {}, icon("active"), "Reopened by others"),
      h(
        "ul",
        { class: "reopened" },
        reopened.map((one) =>
          h(
            "li",
            {},
            h(
              "a",
              { class: "event-issue", href: hashOf.issue(one.issue), title: one.title },
              h("span", { class: "short" }, one.short),
              h("span", { class: "event-title" }, one.title),
            ),
            h("span", { class: "quiet" }, "by ", one.by.name, ", ", timeAgo(one.at)),
          ),
        ),
      ),
    ),
  ];
}

function fact(word, value) {
  return value === undefined || value === null || value === "" ? [] : [h("dt", {}, word), h("dd", {}, value)];
}

function scopeText(scope) {
  if (!scope || (typeof scope === "object" && !Object.keys(scope).length)) return "everything its person may do";
  return describe(scope);
}

/** Any small value of the API as one line: `n 4, after 1a2b` for an object, `a, b` for a list. */
function describe(value) {
  if (Array.isArray(value)) return value.map(describe).join(", ");
  if (value && typeof value === "object")
    return Object.entries(value)
      .map(([key, part]) => `${key} ${describe(part)}`)
      .join(", ");
  return HASH.test(value) ? value.slice(0, 10) : String(value);
}
