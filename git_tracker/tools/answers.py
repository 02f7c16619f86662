"""From the store's JSON to what a model reads: short texts, structured answers, stored text fenced off."""

from typing import Any

from mcp_types import CallToolResult, TextContent
from pydantic import BaseModel

from git_tracker.tools import models
from git_tracker.tools.escape import cut, fenced, visible

LIMIT = 7000  # characters of stored text in one answer


def answer(text: str, result: BaseModel) -> CallToolResult:
    """Return a short text for the model next to the structured result for programs."""
    return CallToolResult(
        content=[TextContent(type="text", text=text)], structured_content=result.model_dump(mode="json")
    )


def found(row: dict[str, Any]) -> models.Found:
    """One row of a list."""
    return models.Found(
        id=row["short"], status=row["status"], type=row["type"], priority=row["priority"], ready=row["ready"],
        blocked=row["blocked"], claimed_by=row["claim"]["actor"]["id"] if row["claim"] else None,
        updated_at=row["updated_at"], untrusted=_texts(row, 120),
    )  # fmt: skip


def _texts(row: dict[str, Any], limit: int) -> models.Texts:
    return models.Texts(
        title=visible(cut(row["title"], limit)), labels=[visible(label) for label in row["labels"][:20]],
        assignee=row["assignee"] and visible(row["assignee"]),
    )  # fmt: skip


def page(found_page: dict[str, Any]) -> CallToolResult:
    """A page of issues."""
    rows = [found(row) for row in found_page["items"]]
    result = models.IssueList(items=rows, next=found_page["next"], total=found_page["total"])
    lines = [f"{row.id} P{row.priority} {row.status}{_marks(row)} {row.untrusted.title}" for row in rows]
    head = f"{len(rows)} of {result.total} issues" + (f"; more with cursor={result.next}" if result.next else "")
    return answer(head + ("\n" + fenced("\n".join(lines)) if lines else ""), result)


def _marks(row: models.Found) -> str:
    marks = [name for name, on in (("ready", row.ready), ("blocked", row.blocked), ("claimed", row.claimed_by)) if on]
    return f" [{', '.join(marks)}]" if marks else ""


def whole(issue: dict[str, Any], comments: int) -> CallToolResult:
    """One issue with its texts, its last comments first to be kept when space is short."""
    room = LIMIT
    description = visible(cut(issue["description"], room // 2))
    room -= len(description)
    notes: list[models.Note] = []
    for note in reversed(issue["comments"][-comments:] if comments else []):
        body = visible(cut(note["body"], 2000)) if not note["redacted"] else "[redacted]"
        if len(body) > room:
            break
        room -= len(body) + 100
        origin = note["imported"] or {}
        by = f"{origin['by']} (imported)" if origin.get("by") else f"{note['author']['name']} ({note['author']['id']})"
        notes.insert(0, models.Note(id=note["id"], by=visible(cut(by, 120)), at=note["created_at"], body=body))
    texts = models.AllTexts(
        **_texts(issue, 512).model_dump(), description=description, author=visible(issue["author"]["name"]),
        comments=notes, criteria=[
            models.Criterion(id=item["id"], checked=item["checked"], text=visible(cut(item["text"], 200)))
            for item in issue["criteria"][:30]
        ],
        evidence=[visible(cut(f"{item['kind']}: {item['value']}", 200)) for item in issue["evidence"][:20]],
        custom={visible(name): visible(cut(str(value), 200)) for name, value in list(issue["custom"].items())[:10]},
    )  # fmt: skip
    base = found({**issue, "comment_count": 0}).model_dump(exclude={"untrusted"})
    result = models.Whole(
        **base, untrusted=texts, parent=issue["parent"] and issue["parent"][:12],
        links=[models.Link(**{**link, "issue": link["issue"][:12]}) for link in issue["links"][:50]],
        lease_until=issue["claim"]["until"] if issue["claim"] else None,
        conflicts=[conflict["field"] for conflict in issue["conflicts"]], comment_count=len(issue["comments"]),
        heads=issue["heads"], quarantined=issue["quarantined"],
        truncated=len(notes) < len(issue["comments"]) or len(description) < len(issue["description"]),
    )  # fmt: skip
    head = f"{result.id} · {result.status} · P{result.priority} · {result.type}{_marks(result)}"
    if result.quarantined:
        head += f" · {result.quarantined} entries do not count (unsigned, not allowed or damaged)"
    lines = [f"title: {texts.title}", *(["", texts.description] if texts.description else [])]
    lines += [f"[{'x' if item.checked else ' '}] {item.text} ({item.id})" for item in texts.criteria]
    lines += [f"--- {note.by}, {note.at}\n{note.body}" for note in notes]
    return answer(f"{head}\n{fenced(chr(10).join(lines))}", result)


def written(row: dict[str, Any], heads: list[str], session: str, did: str) -> CallToolResult:
    """What a write left behind."""
    result = models.Written(
        id=row["short"], status=row["status"], session=session, heads=heads,
        lease_until=row["claim"]["until"] if row["claim"] else None,
    )  # fmt: skip
    return answer(f"{did} {result.id} ({result.status})", result)


def events(feed: dict[str, Any]) -> CallToolResult:
    """A page of events."""
    items = [
        models.Happened(
            cursor=item["cursor"], issue=item["short"], type=item["type"][:64], actor=item["actor"]["id"], at=item["at"],
            verdict=item["verdict"], entry=item["entry"][:12],
            untrusted={"actor": visible(cut(item["actor"]["name"], 80)), "summary": visible(item["summary"])}
            if item["verdict"] in ("ok", "muted")
            else {},
        )
        for item in feed["items"]
    ]  # fmt: skip
    result = models.Events(items=items, next=feed["next"], total=feed["total"])
    lines = [f"{item.at} {item.issue} {item.actor} {item.untrusted.get('summary', item.verdict)}" for item in items]
    return answer(f"{len(items)} of {result.total} events; next={result.next}\n" + fenced("\n".join(lines)), result)
