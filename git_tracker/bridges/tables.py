"""Exports for people: CSV for spreadsheets, Markdown for reading. One way only; what comes back in is JSON Lines."""

import csv
import re
from collections.abc import Callable, Iterator
from typing import Any

from git_tracker.store import Reader

Json = Any

COLUMNS = (
    "id", "title", "status", "type", "priority", "labels", "assignee", "author", "created_at", "updated_at",
    "closed_at", "due", "milestone", "parent", "blocked", "archived", "comments", "imported_from", "imported_id",
    "description",
)  # fmt: skip

_FORMULA = tuple("=+-@\t\r＝＋－＠")  # how a cell begins that a spreadsheet would calculate
_MARKUP = re.compile(r"[\\`*_\[\]<>&~|!#$]|^[-+=]|(?<=^\d)[.)]|(?<=^\d\d)[.)]")  # anywhere, or where a line begins
_HTML = re.compile(r"<[A-Za-z/!?]|^ {0,3}\[[^\]]*\]:", re.MULTILINE)  # or a definition that the whole page would see
_FENCE = re.compile(r"`+|~+")


def export_csv(store: Reader, write: Callable[[str], object]) -> None:
    """Write a table with a heading, as RFC 4180 has it; a cell that looks like a formula gets an apostrophe in front."""

    class Out:
        def write(self, text: str) -> None:
            write(text)

    table = csv.writer(Out())
    table.writerow(COLUMNS)
    for issue in store.every_issue():
        table.writerow([_cell(value) for value in _row(issue)])


def _row(issue: dict[str, Json]) -> Iterator[Json]:
    origin = issue["imported"] or {}
    instead = {
        "labels": ", ".join(issue["labels"]), "author": issue["author"]["name"], "comments": len(issue["comments"]),
        "imported_from": origin.get("from"), "imported_id": origin.get("id"),
    }  # fmt: skip
    return (instead.get(column, issue.get(column)) if column in instead else issue[column] for column in COLUMNS)


def _cell(value: Json) -> str:
    if value is None or type(value) is bool:
        return "yes" if value else ""
    text = str(value)
    return "'" + text if text.lstrip(" \n").startswith(_FORMULA) and type(value) is str else text


def export_markdown(store: Reader, write: Callable[[str], object]) -> None:
    """Write one document: a section for each status, archived issues left out. Nothing in it is taken as HTML."""
    sections: dict[str, list[dict[str, Json]]] = {status: [] for status in store.workflow.statuses}
    archived = 0
    for issue in store.every_issue():
        if issue["archived"]:
            archived += 1
        else:
            sections.setdefault(issue["status"], []).append(issue)
    shorts = {issue["id"]: issue["short"] for issues in sections.values() for issue in issues}
    write(f"# Issues of {_inline(store.place.name)}\n\n")
    for status, issues in sections.items():
        write(f"- {_inline(status)}: {len(issues)}\n")
    write(f"- archived, not shown here: {archived}\n" if archived else "")
    for status, issues in sections.items():
        if issues:
            write(f"\n## {_inline(status.replace('-', ' ').capitalize())}\n")
        for issue in issues:
            for piece in _issue(issue, shorts):
                write(piece)


def _issue(issue: dict[str, Json], shorts: dict[str, str]) -> Iterator[str]:
    yield f"\n### {_inline(issue['title'])}\n\n"
    origin = issue["imported"] or {}
    author = origin.get("by") or issue["author"]["name"]
    parts = [
        f"`{issue['short']}`", f"{_inline(issue['type'])}", f"priority {issue['priority']}",
        f"by {_inline(author)}, {_inline(origin.get('at') or issue['created_at'])}",
    ]  # fmt: skip
    if origin:
        parts.append(f"imported from {_inline(origin['from'])} as {_inline(origin['id'])}")
    if issue["assignee"]:
        parts.append(f"assigned to {_inline(issue['assignee'])}")
    if issue["labels"]:
        parts.append("labels " + ", ".join(map(_inline, issue["labels"])))
    if issue["parent"]:
        parts.append(f"part of `{shorts.get(issue['parent'], issue['parent'][:12])}`")
    if issue["due"]:
        parts.append(f"due {_inline(issue['due'])}")
    yield " · ".join(parts) + "\n"
    for link in issue["links"]:
        if link["direction"] == "out":
            yield f"\n- {link['kind']} `{shorts.get(link['issue'], link['issue'][:12])}`"
    yield "\n" if any(link["direction"] == "out" for link in issue["links"]) else ""
    if issue["description"].strip():
        yield f"\n{_quoted(issue['description'])}\n"
    if issue["criteria"]:
        lines = (f"- [{'x' if item['checked'] else ' '}] {_inline(item['text'])}\n" for item in issue["criteria"])
        yield "\n" + "".join(lines)
    for item in issue["evidence"]:
        yield f"\n**{_inline(item['kind'])}**\n\n{_quoted(item['value'])}\n"
    for note in issue["comments"]:
        said = note["imported"] or {}
        who, at = said.get("by") or note["author"]["name"], said.get("at") or note["created_at"]
        yield f"\n**{_inline(who)}**, {_inline(at)}\n\n{_quoted(note['body'] or '(redacted)')}\n"


def _inline(text: str) -> str:
    """Return words that Markdown shows as they are, on one line."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return _MARKUP.sub(r"\\\g<0>", line)


def _quoted(text: str) -> str:
    """Return Markdown that cannot leave its place: quoted line by line, and as code where it holds HTML."""
    lines = text.rstrip().splitlines()
    if _HTML.search(text):
        fence = "`" * max(3, 1 + max((len(run) for run in _FENCE.findall(text)), default=0))
        lines = [fence + "text", *lines, fence]
    return "\n".join(f"> {line}".rstrip() for line in lines)
