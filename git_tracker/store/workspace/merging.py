"""Pages of several repositories merged into one, with a cursor that says how far each of them was read."""

import heapq
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from git_tracker.errors import Invalid
from git_tracker.store import cursors
from git_tracker.store.query import Query

Json = Any
Page = dict[str, Json]
_END = "end"


class Order(NamedTuple):
    """How rows stand in a page."""

    key: Callable[[Json], Any]
    descending: bool = False


_COLUMNS = {
    "updated": "updated_at",
    "created": "created_at",
    "priority": "priority",
    "title": "title",
    "status": "status",
}


def order_of(asked: Query) -> Order:
    """Return the order in which each repository answers a query."""
    ready = any(term.key == "is" and "ready" in term.values for group in asked.groups for term in group)
    name, descending = asked.sort or (("priority", False) if ready else ("updated", True))
    column = _COLUMNS[name]
    return Order(lambda row: row[column], descending)


def pages(ask: Mapping[str, Callable[[int, str], Page]], cursor: str, limit: int, order: Order) -> Page:
    """Return one page of what several repositories answer to `ask(limit, cursor)`, by name.

    A repository that comes while somebody pages is read from its beginning; one that goes keeps its place.
    """
    places = cursors.split(cursor) if cursor else {}
    total, found = 0, dict[str, Page]()
    for name, one in ask.items():
        if places.get(name) == _END:
            total += one(1, "")["total"]
        else:
            found[name] = one(limit, places.get(name, ""))
            total += found[name]["total"]
    rows = [[(name, item) for item in page["items"]] for name, page in found.items()]
    merged = list(heapq.merge(*rows, key=lambda row: order.key(row[1]), reverse=order.descending))[:limit]
    for name, page in found.items():
        taken = sum(1 for owner, _ in merged if owner == name)
        if taken == len(page["items"]):
            places[name] = page["next"] or _END
        elif taken:
            places[name] = ask[name](taken, places.get(name, ""))["next"] or _END
    more = any(places.get(name) != _END for name in ask)
    return {"items": [item for _, item in merged], "next": cursors.join(places) if more else None, "total": total}


def feed(found: Mapping[str, Page], since: str, limit: int) -> Page:
    """Return one page of events, oldest first: after a cursor the first ones, without one the newest."""
    rows = [[(name, item) for item in page["items"]] for name, page in found.items()]
    merged = list(heapq.merge(*rows, key=lambda row: row[1]["at"]))
    merged = merged[:limit] if since else merged[-limit:]
    places = cursors.split(since) if since else {name: page["next"] for name, page in found.items()}
    if not since:
        for name, item in reversed(merged):
            places[name] = cursors.before(item["cursor"])
    items = []
    for name, item in merged:
        places[name] = item["cursor"]
        items.append({**item, "cursor": cursors.join(places)})
    total = sum(page["total"] for page in found.values())
    return {"items": items, "next": items[-1]["cursor"] if items else since or cursors.join(places), "total": total}


def columns(boards: Iterable[Page], limit: int) -> list[Json]:
    """Return the columns of several boards as one, each with its first cards."""
    found: dict[str, Json] = {}
    for board in boards:
        for column in board["columns"]:
            into = found.setdefault(column["status"], {**column, "total": 0, "items": []})
            into["total"] += column["total"]
            into["items"] = [*into["items"], *column["items"]]
    for column in found.values():
        if column["category"] == "done":
            column["items"].sort(key=lambda row: row["updated_at"], reverse=True)
        else:
            column["items"].sort(key=lambda row: (row["priority"], row["created_at"]))
        del column["items"][limit:]
    return list(found.values())


def whole(ask: Callable[[str], Page]) -> list[Json]:
    """Return the items of all pages of one repository; `ask` takes a cursor."""
    page = ask("")
    items = list(page["items"])
    while page["next"]:
        page = ask(page["next"])
        items += page["items"]
    return items


def cut(items: list[Json], limit: int, cursor: str) -> Page:
    """Return one page of what is all here; the cursor is how many came before, and of how many."""
    before = cursor.partition(".")[0] or "0"
    if not (before.isdecimal() and before.isascii()):
        raise Invalid("the cursor is not one of ours", "leave it out to begin with the first page")
    end, total = int(before[:18]) + limit, len(items)
    return {"items": items[end - limit : end], "next": f"{end}.{total}" if end < total else None, "total": total}


def agents(found: Iterable[tuple[str, Json]]) -> list[Json]:
    """Return everybody once, latest first, with the repositories they wrote to."""
    merged: dict[str, Json] = {}
    for name, agent in found:
        before = merged.get(agent["id"])
        if before is None:
            merged[agent["id"]] = {**agent, "repositories": [name]}
            continue
        for count in ("entries", "events", "issues", "ok", "muted", "quarantined"):
            before[count] += agent[count]
        before["started_at"] = min(before["started_at"], agent["started_at"])
        before["last_at"] = max(before["last_at"], agent["last_at"])
        before["active"] = before["active"] or agent["active"]
        before["repositories"].append(name)
    return sorted(merged.values(), key=lambda agent: agent["last_at"], reverse=True)


def chain(found: Iterable[Json]) -> Json:
    """Return the state of somebody's chains in several repositories."""
    each = list(found)
    return {
        "entries": sum(one["entries"] for one in each), "gaps": [gap for one in each for gap in one["gaps"]],
        "forks": [fork for one in each for fork in one["forks"]], "ok": all(one["ok"] for one in each),
    }  # fmt: skip
