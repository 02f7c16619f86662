"""One issue as an agent reads it, page by page: nothing is lost, and no page is large."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from mcp_types import CallToolResult

from git_tracker.errors import Invalid
from git_tracker.store import Tracker, in_brief
from git_tracker.tools import answers, models
from git_tracker.tools.escape import fenced, visible
from git_tracker.tools.room import LIMIT, line, prefix, size

_LEAST = 200  # bytes of a long text worth beginning on a page
_FENCE = 60
_CONFLICTS, _VALUES = 3, 3  # shown with their values


class Piece(NamedTuple):
    """A part of an issue. `kind` is where it stands in the answer, `fields` go with its text."""

    kind: str
    text: str = ""
    fields: dict[str, Any] = {}  # noqa: RUF012


class Place(NamedTuple):
    """Where a page begins: the piece, a position in its text, and how many comments there were on the first page."""

    piece: int
    offset: int
    comments: int | None


def whole(store: Tracker, id: str, comments: int, cursor: str = "") -> CallToolResult:
    """Return one page of an issue: the description, then its criteria, links and evidence, then the newest comments."""
    place = _place(cursor)
    issue = store.get_issue(id, comments=comments, among=place.comments)
    there = issue["comment_count"] if place.comments is None else min(place.comments, issue["comment_count"])
    result = _result(issue)
    texts = result.untrusted
    head = f"{result.id} · {result.status} · P{result.priority} · {result.type}{answers.marks(result)}"
    if result.quarantined:
        head += f" · {result.quarantined} entries do not count (not allowed, badly signed, or waiting)"
    if result.conflicts:
        head += f" · {answers.to_settle(result.conflicts)}"
    told = [f"conflict: {name}: {value}" for name, value in texts.conflicts.items()]
    lines = [f"title: {texts.title}", *told, *([""] if not place.piece and issue["description"] else [])]
    room = LIMIT - _FENCE - size(result.model_dump(mode="json")) - size(head) - size("\n".join(lines)) - _FENCE
    pieces = list(_pieces(issue))
    notes: list[str] = []
    for number in range(place.piece, len(pieces)):
        piece = pieces[number]
        offset = place.offset if number == place.piece else 0
        rest = piece.text[offset:]
        part, shown = rest, visible(rest[:LIMIT])
        if len(rest) > LIMIT or (cost := _cost(piece, shown)) > room:
            part = prefix(rest, lambda shown, piece=piece, room=room: _cost(piece, shown) <= room)  # type: ignore[misc]
            shown = visible(part)
            cost = _cost(piece, shown)
        full = len(part) == len(rest)
        if cost > room or not (full or number == place.piece or cost >= _LEAST):
            result.next = f"{number}.{offset}.{there}"
            break
        room -= cost
        _add(texts, result, piece, shown, offset)
        (notes if piece.kind == "comment" else lines).append(_line(piece, shown))
        if not full:
            result.next = f"{number}.{offset + len(part)}.{there}"
            break
    texts.comments.reverse()
    result.truncated = result.next is not None or len(texts.comments) < issue["comment_count"]
    head += f" · more with cursor={result.next}" if result.next else ""
    return answers.answer(f"{head}\n{fenced(chr(10).join([*lines, *reversed(notes)]))}", result)


def _place(cursor: str) -> Place:
    if not cursor:
        return Place(0, 0, None)
    if not re.fullmatch(r"\d{1,6}\.\d{1,7}\.\d{1,6}", cursor, re.ASCII):
        raise Invalid("the cursor is not one of ours", "leave it out to begin with the first page")
    return Place(*map(int, cursor.split(".")))


def _result(issue: dict[str, Any]) -> models.Whole:
    base = answers.found(issue, 1200)
    values = list(_values(issue))
    texts = models.AllTexts(
        **base.untrusted.model_dump(), description="", author=line(issue["author"]["name"], 120), comments=[],
        criteria=[], evidence=[], custom={},
        conflicts={f"{value.field} {value.take}": text for value, text in values},
    )  # fmt: skip
    return models.Whole(
        **base.model_dump(exclude={"untrusted"}), untrusted=texts, parent=issue["parent"] and issue["parent"][:12],
        links=[], lease_until=issue["claim"]["until"] if issue["claim"] else None,
        conflicts=answers.conflicts(issue["conflicts"]), conflict_values=[value for value, _ in values],
        comment_count=issue["comment_count"], heads=issue["heads"][:16],
        truncated=False, next=None,
    )  # fmt: skip


def _values(issue: dict[str, Any]) -> Iterator[tuple[models.ConflictValue, str]]:
    """The first conflicts with what can be taken; a line of each value, of a text where it differs from the others."""
    for conflict in map(in_brief, issue["conflicts"][:_CONFLICTS]):
        for value in conflict["values"][:_VALUES]:
            by = value["author"]["id"]
            told = models.ConflictValue(field=conflict["field"], take=value["entry"][:12], by=by, at=value["at"])
            yield told, line(str(value["value"]), 160)
        if conflict["strategy"] != "last-writer":
            yield (
                models.ConflictValue(field=conflict["field"], take="result", by="", at=""),
                line(str(conflict["result"]), 160),
            )


def _pieces(issue: dict[str, Any]) -> Iterator[Piece]:
    yield Piece("description", issue["description"])
    for item in issue["criteria"]:
        yield Piece("criterion", item["text"], {"id": item["id"], "checked": item["checked"]})
    for link in issue["links"]:
        yield Piece("link", "", {**link, "issue": _linked(link)})
    for item in issue["evidence"]:
        yield Piece("evidence", item["value"], {"kind": item["kind"]})
    for name, value in issue["custom"].items():
        yield Piece("custom", value if isinstance(value, str) else str(value), {"name": line(name, 64)})
    for note in reversed(issue["comments"]):
        origin = note["imported"] or {}
        by = f"{origin['by']} (imported)" if origin.get("by") else f"{note['author']['name']} ({note['author']['id']})"
        body = "[redacted]" if note["redacted"] else note["body"]
        yield Piece("comment", body, {"id": note["id"], "by": line(by, 120), "at": note["created_at"]})


def _linked(link: dict[str, Any]) -> str:
    """Return the id of the other issue, with its repository if that is another one."""
    short = str(link["issue"][:12])
    return f"{link['repository']}#{short}" if link.get("repository") else short


def _line(piece: Piece, part: str) -> str:
    """How a piece stands in the text of the answer."""
    match piece.kind:
        case "criterion":
            return f"[{'x' if piece.fields['checked'] else ' '}] {part} ({piece.fields['id']})"
        case "link":
            kind, other = piece.fields["kind"], piece.fields["issue"]
            return f"{kind} {other}" if piece.fields["direction"] == "out" else f"{other} {kind} this"
        case "evidence":
            return f"evidence: {piece.fields['kind']}: {part}"
        case "custom":
            return f"{piece.fields['name']} = {part}"
        case "comment":
            return f"--- {piece.fields['by']}, {piece.fields['at']}\n{part}"
    return part


def _cost(piece: Piece, part: str) -> int:
    return size({"body": part, **piece.fields}) + size(_line(piece, part))


def _add(texts: models.AllTexts, result: models.Whole, piece: Piece, part: str, offset: int) -> None:
    """Put a piece where it stands in the structured answer; what continues an earlier page says so."""
    match piece.kind:
        case "description":
            texts.description = part
        case "criterion":
            texts.criteria.append(models.Criterion(text=part, **piece.fields))
        case "link":
            result.links.append(models.Link(**piece.fields))
        case "evidence":
            texts.evidence.append(f"{piece.fields['kind']}: {part}")
        case "custom":
            texts.custom[piece.fields["name"]] = part
        case "comment":
            texts.comments.append(models.Note(body=part, continues=offset > 0, **piece.fields))
