"""From the store's JSON to what a model reads: short texts, structured answers, stored text fenced off."""

from collections.abc import Sequence
from typing import Any

from mcp_types import CallToolResult, TextContent
from pydantic import BaseModel

from git_tracker.tools import models
from git_tracker.tools.escape import fenced, is_word
from git_tracker.tools.room import LIMIT, line, size

_HEAD = 400  # bytes of an answer besides its rows


def answer(text: str, result: BaseModel, *, brief: bool = False) -> CallToolResult:
    """Return a short text for the model next to the structured result for programs.

    What is `brief` leaves out each field that has the default its output schema gives: of many rows nobody should have
    to read so often that nothing is the matter.
    """
    told = result.model_dump(mode="json", exclude_defaults=brief)
    return CallToolResult(content=[TextContent(type="text", text=text)], structured_content=told)


def found(row: dict[str, Any], longest: int = 160) -> models.Found:
    """One row of a list. What is not one plain word stands under `untrusted`, even a status."""
    words = {name: row[name] for name in ("status", "type") if not is_word(row[name])}
    texts = models.Texts(
        title=line(row["title"], longest), labels=[line(label, 64) for label in row["labels"][:8]],
        assignee=row["assignee"] and line(row["assignee"], 64), words={name: line(word, 64) for name, word in words.items()},
    )  # fmt: skip
    return models.Found(
        id=row["short"], status="other" if "status" in words else row["status"],
        type="other" if "type" in words else row["type"], priority=row["priority"], ready=row["ready"],
        blocked=row["blocked"], claimed_by=row["claim"]["actor"]["id"] if row["claim"] else None,
        updated_at=row["updated_at"], quarantined=row["quarantined"], untrusted=texts,
    )  # fmt: skip


def _row(row: models.Found) -> str:
    return f"{row.id} P{row.priority} {row.status}{marks(row)} {row.untrusted.title}"


def fitting(items: list[Any], room: int = LIMIT - _HEAD) -> int:
    """Return how many of the rows or columns fit into one answer, at least one."""
    for number, item in enumerate(items):
        is_row = isinstance(item, models.Found)
        told = item.model_dump_json(exclude_defaults=is_row)
        room -= len(told.encode()) + size(_row(item) if is_row else _event(item))
        if room < 0:
            return max(1, number)
    return len(items)


def page(found_page: dict[str, Any], rows: list[models.Found]) -> CallToolResult:
    """A page of issues, and its rows."""
    result = models.IssueList(items=rows, next=found_page["next"], total=found_page["total"])
    head = f"{len(rows)} of {result.total} issues" + (f"; more with cursor={result.next}" if result.next else "")
    return answer(head + ("\n" + fenced("\n".join(map(_row, rows))) if rows else ""), result, brief=True)


def marks(row: models.Found) -> str:
    """What an agent looks for first, in brackets."""
    found = [name for name, on in (("ready", row.ready), ("blocked", row.blocked), ("claimed", row.claimed_by)) if on]
    found += [f"{row.quarantined} without effect"] if row.quarantined else []
    return f" [{', '.join(found)}]" if found else ""


def conflicts(found: Sequence[dict[str, Any]]) -> list[str]:
    """The fields in conflict."""
    return [conflict["field"] for conflict in found][:20]


def to_settle(fields: list[str]) -> str:
    """What is in conflict, and what would settle it."""
    return f"in conflict: {', '.join(fields)}; resolve_conflict settles it" if fields else ""


def written(row: dict[str, Any], session: str, did: str) -> CallToolResult:
    """What a write left behind, of what `outcome` returns: conflicts to settle, and claims of the session that turned out to be later than another's."""
    now, fields = found(row), conflicts(row.get("conflicts", ()))
    result = models.Written(
        id=now.id, status=now.status, session=session, heads=row["heads"],
        lease_until=row["claim"]["until"] if row["claim"] else None,
        tentative=bool(row["claim"]) and row["claim"]["state"] == "tentative", conflicts=fields,
        lost_claims=[one["short"] for one in row["lost_claims"]],
    )  # fmt: skip
    said = "; ".join(filter(None, [f"{did} {result.id} ({result.status})", to_settle(fields)]))
    return answer(said + _lost(result.lost_claims), result)


def synced(done: dict[str, Any], lost: list[dict[str, Any]]) -> CallToolResult:
    """What an exchange did. Reasons may quote the other side."""
    refused = {device: line(reason, 300) for device, reason in done["refused"].items()}
    result = models.Synced(**{**done, "refused": refused}, lost_claims=[one["short"] for one in lost])
    text = f"{result.remote}: {result.sent} sent, {result.received} received"
    text += "".join(f", {n} {what}" for n, what in ((result.held, "held"), (result.conflicted, "conflicted")) if n)
    return answer(text + _lost(result.lost_claims), result)


def _lost(claims: list[str]) -> str:
    if not claims:
        return ""
    return f"\nnot yours any more, claimed earlier elsewhere: {', '.join(claims)}; release_issue accepts that"


def happened(item: dict[str, Any]) -> models.Happened:
    """One event. What does not count is listed without its text."""
    says = {"actor": line(item["actor"]["name"], 80), "summary": line(item["summary"], 200)}
    return models.Happened(
        cursor=item["cursor"], issue=item["short"], type=item["type"] if is_word(item["type"]) else "other",
        actor=item["actor"]["id"], at=item["at"], verdict=item["verdict"], entry=item["entry"][:12],
        untrusted=says if item["verdict"] == "ok" else {},
    )  # fmt: skip


def _event(item: models.Happened) -> str:
    return f"{item.at} {item.issue} {item.actor} {item.untrusted.get('summary', item.verdict)}"


def events(feed: dict[str, Any], *, newest: bool) -> CallToolResult:
    """A page of events. If not all fit, a page of the newest loses its oldest, any other its last."""
    items = [happened(item) for item in feed["items"]]
    if newest:
        items = items[len(items) - fitting(items[::-1]) :]
    else:
        items = items[: fitting(items)]
    after = feed["next"] if newest or not items else items[-1].cursor
    result = models.Events(items=items, next=after, total=feed["total"])
    head = f"{len(items)} of {result.total} events; next={result.next}"
    return answer(head + ("\n" + fenced("\n".join(map(_event, items))) if items else ""), result)
