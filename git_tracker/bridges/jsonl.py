"""JSON Lines of our own: every issue as one line of the JSON that REST and `--json` show; and back in.

An export is for other programs and for another tracker, not a backup: signatures and histories travel by git.
What comes in is new here, by its importer, with the original author and times in `imported`.
"""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, TypeVar

from git_tracker.bridges import lines
from git_tracker.bridges.carrying import Progress, Source, carry, event
from git_tracker.bridges.facts import Fields
from git_tracker.bridges.keeping import is_line, is_plain, kept
from git_tracker.bridges.report import Report
from git_tracker.errors import Invalid
from git_tracker.store import IssueStore, Reader, Signer, Workflow

Json = Any
T = TypeVar("T")

NAME = "git-tracker"

_DERIVED = set(  # follows from the rest, or belongs to this tracker's history alone
    "id short created_at updated_at closed_at ready blocked conflicts heads events quarantined claim links parent".split()
)


def export(store: Reader, write: Callable[[str], object]) -> None:
    """Write every issue, archived ones included, oldest first, one to a line."""
    for issue in store.every_issue():
        write(json.dumps(issue, ensure_ascii=False, separators=(",", ":")) + "\n")


def import_file(store: IssueStore, signer: Signer, path: str, progress: Progress, dry_run: bool = False) -> Report:
    """Import what `export` wrote elsewhere. A second run changes nothing; issues of this very tracker are left alone."""
    report = Report(NAME, dry_run=dry_run)
    own = {issue["id"] for issue in store.every_issue()} if store.root else set()
    records: dict[str, Fields] = {}
    for line in lines.read(path):
        report.read += 1
        id: Any = line.record.get("id")
        flaw = line.flaw or ("" if is_line(id, 64) else "the record has no id")
        if not flaw and id in own:
            flaw = f"{id[:12]} is an issue of this tracker"
        if not flaw and id in records:
            flaw = f"{id[:12]} stands here a second time"
        if flaw:
            report.skipped.append((f"line {line.number}", flaw))
        else:
            records[id] = line.record
    told: dict[str, list[Fields]] = {}
    for id, record in records.items():
        try:
            told[id] = _events(id, record, store.workflow, report)
            _check(told[id], record)
        except Invalid as error:
            report.skipped.append((id, str(error)))
            told.pop(id, None)
    known = {*store.find_imported(NAME), *told}
    links: dict[str, list[Fields]] = {}
    for id, events in told.items():
        links[id], away = _links(id, records[id], known, report)
        events += away
    carry(store, signer, Source(NAME, told, links), progress, report)
    return report


def _events(id: str, record: Fields, workflow: Workflow, report: Report) -> list[Fields]:
    """Return the events of one issue; raise `Invalid` for what is no issue of ours."""
    left = {name: value for name, value in record.items() if name not in _DERIVED}

    def take(name: str, kind: type[T]) -> T | None:
        value = left.pop(name, None)
        if value is not None and type(value) is not kind:
            raise Invalid(f"{name} is not what an export holds")
        return value

    def items(name: str) -> list[Fields]:
        found = take(name, list) or []
        if any(type(item) is not dict for item in found):
            raise Invalid(f"{name} is not a list of objects")
        return found

    author = take("author", dict) or {}
    category = take("category", str) or "todo"
    status = take("status", str) or workflow.first("todo")
    first = {"status": status, "category": category} if category == "todo" else {"status": workflow.first("todo")}
    found: list[Fields] = [{
        "type": "created", "title": take("title", str) or "", "kind": take("type", str) or "task",
        "priority": left.pop("priority", 2), "description": take("description", str) or "", **first,
        "imported": _said(id, author, record.get("created_at")),
    }]  # fmt: skip
    found += [{"type": "label-added", "label": label} for label in take("labels", list) or []]
    for name, kind, field in (
        ("assignee", "assignee-changed", "assignee"), ("milestone", "milestone-set", "milestone"),
        ("branch", "branch-linked", "branch"),
    ):  # fmt: skip
        if value := take(name, str):
            found.append({"type": kind, field: value})
    for name, kind, field in (("due", "due-set", "due"), ("deferred_until", "deferred", "until")):
        if value := take(name, str):
            found.append({"type": kind, field: _seconds(value)})
    for name, kind, field in (("estimate", "estimate-set", "estimate"), ("spent", "time-logged", "seconds")):
        if amount := take(name, int):
            found.append({"type": kind, field: amount})
    for item in items("comments"):
        if item.get("redacted"):
            report.notes["a redacted comment: left out"] += 1
            continue
        said = _said(str(item.get("id")), item.get("author"), item.get("created_at"))
        found.append({"type": "comment-added", "body": item.get("body"), "imported": said})
    for item in items("criteria"):
        found.append({"type": "criterion-added", "text": item.get("text")})
        if item.get("checked"):
            found.append({"type": "criterion-checked", "criterion": item.get("text"), "checked": True})
    for item in items("evidence"):
        said = _said(id, item.get("author"), item.get("at"))
        found.append({"type": "evidence-added", "kind": item.get("kind"), "value": item.get("value"), "imported": said})
    if category != "todo":
        said = _said(id, None, record.get("closed_at"))
        found.append({"type": "status-changed", "to": status, "category": category, "imported": said})
    if left.pop("archived", False):
        found.append({"type": "archived"})
    custom = take("custom", dict) or {}
    for name, value in custom.items():
        fields = {name: value} if is_plain(value) else kept(name, value)
        found += [{"type": "custom", "name": field, "value": item} for field, item in fields.items()]
    if author.get("session"):
        found += _custom("author", author, report)
    for name, value in left.items():
        if value not in (None, [], {}):
            found += _custom(name, value, report)
    for fields in found:
        for name in fields.keys() - {"type", "imported"}:
            report.mapped[f"{fields['type']}: {name}"] += 1
    return [fields | {"imported": fields.get("imported") or _said(id, None, None)} for fields in found]


def _check(events: list[Fields], record: Fields) -> None:
    """Raise `Invalid` if anything in a record would be refused when it is written."""
    links = record.get("links") or []
    if type(links) is not list or any(type(link) is not dict for link in links):
        raise Invalid("links is not a list of objects")
    held = [{"type": "link-added", "kind": kind, "issue": "0" * 40} for kind, _ in _held(record)]
    for fields in [*events, *held]:
        if fields["type"] != "criterion-checked":
            event(fields | ({"nonce": "0" * 32} if fields["type"] == "created" else {}))
    if any(type(other) is not str for _, other in _held(record)):
        raise Invalid("a link names no issue")


def _held(record: Fields) -> list[tuple[Json, Json]]:
    links = [link for link in record.get("links") or () if link.get("direction") == "out"]
    parent = [("parent", record["parent"])] if record.get("parent") else []
    return [(link.get("kind"), link.get("issue")) for link in links] + parent


def _links(id: str, record: Fields, known: set[str], report: Report) -> tuple[list[Fields], list[Fields]]:
    """Return the links that an issue holds, and as custom fields those to issues that are not here."""
    here: list[Fields] = []
    away: list[Fields] = []
    for kind, other in _held(record):
        (here if other in known else away).append({"kind": kind, "issue": other})
    said = {"imported": _said(id, None, None)}
    custom = [fields | said for fields in _custom("links", away, report)] if away else []
    return [{"type": "link-added", **link, **said} for link in here], custom


def _custom(name: str, value: Json, report: Report) -> Iterator[Fields]:
    report.kept[f"{NAME}:{name}"] += 1
    return ({"type": "custom", "name": field, "value": item} for field, item in kept(f"{NAME}:{name}", value).items())


def _said(id: str, author: Json, at: Json) -> Fields:
    by = author.get("name") or author.get("id") if type(author) is dict else None
    return {"from": NAME, "id": id} | {key: value for key, value in (("by", by), ("at", at)) if is_line(value)}


def _seconds(text: str) -> int:
    try:
        return int(datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp())
    except ValueError:
        raise Invalid(f"{text[:40]!r} is no time as an export writes it") from None
