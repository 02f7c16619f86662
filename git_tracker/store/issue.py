"""An issue as programs see it: the JSON of docs and surface, made from folded state. Pure and light.

The index keeps states; `view` turns one into the shape that the CLI prints, REST answers and tools return. Nothing
here imports more than it must, because `tracker show` runs through it.
"""

import time
from collections.abc import Callable, Container, Mapping, Sequence
from functools import lru_cache
from typing import Any

from git_tracker.store import conflicts
from git_tracker.store.registers import latest

Json = Any
SHORT = 7  # digits of an id as shown to people; longer where two issues share them

Actor = dict[str, str]
FindActor = Callable[[str], Actor]


def stamp(seconds: int | None) -> str | None:
    """Return seconds since 1970 as RFC 3339 in UTC."""
    if seconds is None:
        return None
    days, rest = divmod(seconds, 86400)
    return f"{_day(days)}T{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}Z"


@lru_cache(maxsize=1024)
def _day(days: int) -> str:
    """Return the date so many days after the first of 1970; the rows of a list share a few."""
    return time.strftime("%Y-%m-%d", time.gmtime(days * 86400))


def nobody(id: str) -> Actor:
    """Return an actor of whom only the id is known."""
    return {"id": id, "name": id, "session": "", "person": "", "client": ""}


def row(
    found: Any, labels: Sequence[str], actor: FindActor, now_ms: int, short: str, tentative: Container[str]
) -> dict[str, Json]:  # fmt: skip
    """Return one issue as it stands in lists and on the board; `found` is a row of the index.

    A claim whose entry is `tentative` may turn out to be later than one on another machine.
    """
    claim = None
    if found["claim_actor"] and found["claim_until"] > now_ms:
        claim = {
            "actor": actor(found["claim_actor"]), "until": stamp(found["claim_until"] // 1000),
            "fence": found["claim_entry"], "state": "tentative" if found["claim_entry"] in tentative else "held",
        }  # fmt: skip
    return {
        "id": found["id"], "short": short, "title": found["title"], "status": found["status"],
        "category": found["category"], "type": found["type"], "priority": found["priority"],
        "labels": list(labels), "assignee": found["assignee"], "author": actor(found["author"]),
        "created_at": stamp(found["created"]), "updated_at": stamp(found["updated"]), "parent": found["parent"],
        "claim": claim, "comment_count": found["comments"],
        "ready": is_ready(found, now_ms), "blocked": bool(found["blocked"]),
        "conflicted": bool(found["conflicted"]), "archived": bool(found["archived"]),
        "imported": found["origin"] is not None, "quarantined": found["quarantined"],
    }  # fmt: skip


def is_ready(found: Any, now_ms: int) -> bool:
    """Return whether work can begin: todo, nothing open blocks it, not deferred, not under a live claim."""
    return (
        found["category"] == "todo"
        and not found["blocked"]
        and not found["archived"]
        and (found["deferred"] or 0) * 1000 <= now_ms
        and not (found["claim_actor"] and found["claim_until"] > now_ms)
    )


def view(
    found: Any,
    state: Mapping[str, Json],
    comments: Sequence[tuple[str, Mapping[str, Json]]],
    disputed: Mapping[str, str],
    links_in: Sequence[tuple[str, str]],
    actor: FindActor,
    now_ms: int,
    short: str,
    tentative: Container[str],
) -> dict[str, Json]:
    """Return the whole issue.

    `comments` are (part id, comment) in order, `disputed` bodies by part id of those in conflict, `links_in` (kind, id of
    the other).
    """
    registers = state["registers"]

    def value(field: str, default: Json = None) -> Json:
        return latest(registers[field])[5] if registers.get(field) else default

    created = state["created"]
    links = [
        {"kind": kind, "issue": other, "direction": "out"}
        for kind, _, other in (link.partition(" ") for link in sorted(state["sets"].get("links", ())))
        if kind != "parent"
    ] + [{"kind": kind, "issue": other, "direction": "in"} for kind, other in links_in]
    base = row(found, sorted(state["sets"].get("labels", ())), actor, now_ms, short, tentative)
    for only_in_lists in ("comment_count", "conflicted"):
        del base[only_in_lists]
    return base | {
        "description": state["texts"].get("description", ""),
        "closed_at": stamp(found["closed"]),
        "links": links,
        "comments": [
            {
                "id": part, "author": actor(note["actor"]), "body": "" if note["redacted"] else note["body"],
                "created_at": stamp(note["at"]), "edited": note["edited"], "redacted": note["redacted"],
                "imported": note["imported"],
            }
            for part, note in comments
        ],
        "criteria": [
            {"id": part, "text": criterion["text"], "checked": bool(value(f"checked:{part}", False))}
            for part, criterion in sorted(state["criteria"].items(), key=lambda item: item[1]["order"])
        ],
        "evidence": [
            {"kind": item["kind"], "value": item["value"], "author": actor(item["actor"]), "at": stamp(item["at"])}
            for item in state["evidence"]
        ],
        "attachments": [
            {"name": item["name"], "sha512": item["sha512"], "size": item["size"], "at": stamp(item["at"])}
            for item in state["attachments"]
        ],
        "conflicts": conflicts.of(state, disputed, actor, stamp),
        "branch": value("branch"), "estimate": value("estimate"), "spent": state["spent"],
        "due": stamp(found["due"]), "milestone": found["milestone"], "deferred_until": stamp(value("deferred")),
        "imported": created["imported"],
        "custom": {
            field.removeprefix("custom:"): value(field) for field in sorted(registers) if field.startswith("custom:")
        },
        "heads": list(state["heads"]), "events": state["events"], "quarantined": found["quarantined"],
    }  # fmt: skip
