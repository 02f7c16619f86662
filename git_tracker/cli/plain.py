"""Answers as plain text: aligned, without colour, each line safe to show. What a pipe gets and what scripts may cut."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from git_tracker.cli.escape import block, line
from git_tracker.store import in_brief

Json = Any
_OTHERS = {"SHA256:": "no member"}  # whom the trust log does not know goes by the key
_ORIGIN = {"from": "", "id": "", "by": "by ", "at": "at "}


def table(rows: Iterable[Sequence[str]]) -> list[str]:
    """Return rows with their columns aligned; the last column is as wide as it likes."""
    found = [[line(cell) for cell in row] for row in rows]
    if not found:
        return []
    widths = [max(len(row[column]) for row in found) for column in range(len(found[0]) - 1)]
    return [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]).rstrip()
        for row in found
    ]


def issues(rows: Sequence[Mapping[str, Json]]) -> list[str]:
    """Return a line for each issue: id, status, priority, type, title and what else there is to know."""
    return table((row["short"], row["status"], f"P{row['priority']}", row["type"], title(row)) for row in rows)


def title(row: Mapping[str, Json]) -> str:
    """Return a title with labels, people and marks behind it."""
    return "  ".join([row["title"], *([f"({', '.join(row['labels'])})"] if row["labels"] else ()), *marks(row)])


def marks(row: Mapping[str, Json]) -> list[str]:
    """Return what is special about an issue."""
    found = []
    if row["assignee"]:
        found.append(f"@{row['assignee']}")
    if row["claim"]:
        found.append(f"[claimed by {row['claim']['actor']['name']}]")
    if row["blocked"] and row["category"] != "done":
        found.append("[blocked]")
    if row.get("conflicted") or row.get("conflicts"):
        found.append("[conflict]")
    if row["archived"]:
        found.append("[archived]")
    return found


def board(columns: Sequence[Mapping[str, Json]]) -> list[str]:
    """Return the columns of the board one below the other."""
    found: list[str] = []
    for column in columns:
        found += ["", f"{line(column['title'])} ({column['total']})"]
        cards = column["items"]
        found += [f"  {card}" for card in table((c["short"], f"P{c['priority']}", c["type"], title(c)) for c in cards)]
        if column["total"] > len(cards):
            found.append(f"  … {column['total'] - len(cards)} more")
    return found[1:]


def facts(issue: Mapping[str, Json]) -> list[tuple[str, str]]:
    """Return what an issue's page says above its text: (name, value)."""
    claim = issue["claim"]
    origin = issue["imported"] or {}
    named = [
        ("status", issue["status"] + (" (archived)" if issue["archived"] else "")),
        ("type", issue["type"]),
        ("priority", f"P{issue['priority']}"),
        ("labels", ", ".join(issue["labels"])),
        ("assignee", issue["assignee"]),
        ("claim", f"{actor(claim['actor'])} until {moment(claim['until'])}" if claim else ""),
        ("blocked", "yes" if issue["blocked"] and issue["category"] != "done" else ""),
        ("parent", issue["parent"] and issue["parent"][:7]),
        ("milestone", issue["milestone"]),
        ("due", moment(issue["due"])),
        ("deferred", issue["deferred_until"] and f"until {moment(issue['deferred_until'])}"),
        ("estimate", issue["estimate"] and f"{issue['estimate']} min"),
        ("branch", issue["branch"]),
        ("author", actor(issue["author"])),
        ("created", moment(issue["created_at"])),
        ("updated", moment(issue["updated_at"])),
        ("closed", moment(issue["closed_at"])),
        ("imported", " ".join(f"{word}{origin[key]}" for key, word in _ORIGIN.items() if origin.get(key))),
        ("unverified", issue["quarantined"] and f"{issue['quarantined']} entries did not take effect"),
    ]
    return [(name, line(str(value))) for name, value in named if value]


def issue(
    found: Mapping[str, Json], titles: Mapping[str, Mapping[str, Json]], children: Sequence[Mapping[str, Json]]
) -> list[str]:
    """Return an issue in full. `titles` are rows of the issues it is linked to, by id."""
    out = [f"{found['short']}  {line(found['title'])}", ""]
    out += [f"{name + ':':<11}{value}" for name, value in facts(found)]
    if found["description"].strip():
        out += ["", *indented(found["description"])]
    out += section("conflicts", [conflict(item) for item in found["conflicts"]])
    out += section("criteria", [criterion(item) for item in found["criteria"]])
    out += section("links", table(link(item, titles) for item in found["links"]))
    out += section("children", issues(children))
    out += section("evidence", [evidence(item) for item in found["evidence"]])
    if found["comments"]:
        out += ["", f"comments ({len(found['comments'])}):"]
    for note in found["comments"]:
        out += ["", f"  {line(actor(note['author']))}, {noted(note)}"]
        out += ["    (redacted)"] if note["redacted"] else indented(note["body"], "    ")
    return out


def section(heading: str, lines: Sequence[str]) -> list[str]:
    return ["", f"{heading}:", *(f"  {text}" for text in lines)] if lines else []


def link(item: Mapping[str, Json], titles: Mapping[str, Mapping[str, Json]]) -> tuple[str, ...]:
    """Return a link as words: an incoming `blocks` reads `blocked by`."""
    kind = item["kind"] if item["direction"] == "out" else INCOMING.get(item["kind"], f"{item['kind']} of")
    other = titles.get(item["issue"])
    return (
        (kind, other["short"], other["status"], other["title"]) if other else (kind, item["issue"][:7], "", "not here")
    )


INCOMING = {
    "blocks": "blocked by", "relates": "relates to", "duplicates": "duplicated by", "discovered-from": "led to",
    "supersedes": "superseded by", "parent": "child",
}  # fmt: skip


def criterion(item: Mapping[str, Json]) -> str:
    return f"[{'x' if item['checked'] else ' '}] {line(item['text'])}"


def noted(note: Mapping[str, Json]) -> str:
    """Return when a comment was written, and whether it was edited or imported since."""
    imported = note["imported"]
    by = f", imported from {line(str(imported.get('by') or imported.get('from') or 'elsewhere'))}" if imported else ""
    return moment(note["created_at"]) + (", edited" if note["edited"] else "") + by


def conflict(item: Mapping[str, Json]) -> str:
    """Return a conflict in one line."""
    shown = in_brief(item)
    values = "  or  ".join(f"{value['value']} ({actor(value['author'])})" for value in shown["values"])
    return line(f"{item['field']}: {values}")


def conflicted(rows: Iterable[Mapping[str, Json]]) -> list[str]:
    """Return issues with their conflicts: for each value its entry, its author, when, and what it says."""
    out: list[str] = []
    for row in rows:
        out += [f"{row['short']}  {line(row['title'])}"]
        for item in row["conflicts"]:
            out.append(f"  {line(item['field'])}")
            lines = [
                (value["entry"][:12], actor(value["author"]), moment(value["at"]), said(value["value"]))
                for value in item["values"]
            ]
            kept = "the base stays until somebody chooses" if item["strategy"] == "manual" else ""
            lines += [("base", "", "", said(item["base"])), ("result", kept, "", said(item["result"]))]
            out += [f"    {text}" for text in table(lines)]
    return out


def said(value: Json) -> str:
    return "none" if value is None else str(value)


def evidence(item: Mapping[str, Json]) -> str:
    return line(f"{item['kind']}: {item['value']}  ({actor(item['author'])}, {moment(item['at'])})")


def events(items: Sequence[Mapping[str, Json]], *, issue: bool = True) -> list[str]:
    """Return a line for each event: when, which issue, who, what."""
    return table(
        (moment(item["at"]), *((item["short"],) if issue else ()), who(item["actor"]), happened(item)) for item in items
    )


def happened(item: Mapping[str, Json]) -> str:
    """Return what an event says, with its verdict where that is not ok."""
    verdict = "" if item["verdict"] == "ok" else f"  [{item['verdict']}: {item['reason']}]"
    return f"{item['summary']}{verdict}"


def actor(who: Mapping[str, Json]) -> str:
    """Return somebody in full: a person's name, or an agent's with its client and the person behind it."""
    if not who["session"]:
        return str(who["name"])
    return f"{who['name']} ({who['client'] or 'agent'} for {who['person'] or 'nobody known'})"


def who(who: Mapping[str, Json]) -> str:
    return str(who["name"])


def moment(stamp: str | None) -> str:
    """Return an RFC 3339 time as people read it, in UTC; midnight as the day alone."""
    if not stamp or stamp == "1970-01-01T00:00:00Z":  # of what cannot be verified nobody knows when it was
        return ""
    return stamp[:10] if stamp.endswith("T00:00:00Z") else stamp[:16].replace("T", " ")


def indented(text: str, by: str = "") -> list[str]:
    """Return a text's lines, safe to show."""
    return [(by + part).rstrip() for part in block(text).strip("\n").split("\n")]


def agents(items: Sequence[Mapping[str, Json]]) -> list[str]:
    """Return a line for each person and agent session."""
    return table([
        ("ID", "NAME", "CLIENT", "FOR", "ISSUES", "EVENTS", "REFUSED", "LAST"),
        *(
            (
                item["id"], item["name"],
                item["client"] or ("agent" if item["session"] else _OTHERS.get(item["id"][:7], "person")),
                item["person"] if item["session"] else "", str(item["issues"]), str(item["events"]),
                str(item["muted"] + item["quarantined"]), moment(item["last_at"]) + (" active" if item["active"] else ""),
            )
            for item in items
        ),
    ])  # fmt: skip


def audit(found: Mapping[str, Json]) -> list[str]:
    """Return an agent's papers and its trail."""
    agent, papers, chain = found["agent"], found["delegation"], found["chain"]
    out = [f"{line(agent['name'])}  {agent['id']}"]
    if papers:
        out += [
            line(f"acts for    {papers['person_name']} ({papers['person']}), key {papers['person_key']}"),
            line(f"client      {papers['client'] or '-'}"),
            line(f"signs with  {papers['key']}, certificate {papers['serial']}"),
            f"valid       {moment(papers['valid_after'])} to {moment(papers['valid_before'])}",
            line(f"may do      {papers['scope']}"),
        ]
    whole = "whole" if chain["ok"] else f"{len(chain['gaps'])} gaps, {len(chain['forks'])} forks"
    out += [f"chain       {chain['entries']} entries, {whole}", ""]
    return out + table(
        (
            moment(item["at"]),
            item["entry"][:12],
            item["verdict"],
            item["short"],
            "; ".join(event["summary"] for event in item["events"])
            + (f"  [{item['reason']}]" if item["reason"] else ""),
        )
        for item in found["items"]
    )


def verified(found: Mapping[str, Json]) -> list[str]:
    """Return what verification found."""
    out = [f"{found['verified']} of {found['entries']} entries of {found['issues']} issues verified"]
    return out + [f"  {text}" for text in table(problem(item) for item in found["problems"])]


def problem(item: Mapping[str, Json]) -> tuple[str, str, str]:
    """Return one problem: what it is, where, why."""
    where = str(item.get("entry") or item.get("ref") or item.get("agent") or item.get("issue") or "")
    if item["kind"] == "chain":
        return "chain", where, f"{len(item['gaps'])} gaps, {len(item['forks'])} forks"
    return str(item.get("verdict") or item["kind"]), where, str(item["reason"])


def quarantine(items: Sequence[Mapping[str, Json]]) -> list[str]:
    """Return a line for each entry that did not take effect."""
    return table(
        (
            item["entry"][:12],
            item["verdict"],
            item["issue"][:7] if item["issue"] else "-",
            item["actor"]["name"] if item["actor"] else "-",
            item["reason"],
        )
        for item in items
    )


def quarantined(item: Mapping[str, Json]) -> list[str]:
    """Return one entry that did not take effect: what, where, why, who signed it, and its commit."""
    who = item["signer"]
    signed = f"{who['name']} ({who['id']}), key {who['key']}" if who else "nobody, as far as can be checked"
    out = [
        line(f"entry       {item['entry']}"),
        line(f"issue       {item['short']}  {item['title']}" if item["issue"] else "issue       -"),
        line(f"verdict     {item['verdict']}: {item['reason']}"),
        f"at          {moment(item['at'])} (as it claims)",
        line(f"signed by   {signed}"),
    ]
    if who and who["session"]:
        out += [
            line(f"client      {who['client'] or '-'}"),
            line(f"acts for    {who['person'] or 'nobody here'}, key {who['issuer']}"),
            f"valid       {moment(who['valid_after'])} to {moment(who['valid_before'])}",
            line(f"may do      {who['scope'] or 'everything'}"),
        ]
    return [*out, "", *indented(item["raw"] or "(its bytes cannot be read)", "  ")]
