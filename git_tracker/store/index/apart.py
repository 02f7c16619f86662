"""Entries that stand apart because they do not count: quarantined, muted or waiting, each with the reason."""

from typing import Any

from git_tracker.errors import Ambiguous, Invalid, NotFound
from git_tracker.store import issue
from git_tracker.store.index import read
from git_tracker.store.index.schema import Db

Json = Any
MAX_LIMIT = 500

_ENTRIES = (
    "select entries.*, issues.id as whole, issues.title from entries left join issues on issues.key = entries.issue"
    " where verdict != 'ok'"
)


def page(db: Db, limit: int, cursor: str) -> dict[str, Json]:
    """Return a page of them in the order they came: `{"items", "next", "total"}`."""
    if not 0 < limit <= MAX_LIMIT:
        raise Invalid(f"a page holds 1 to {MAX_LIMIT} entries, not {limit}", "use the cursor in `next` for more")
    after = read.position(db, cursor) if cursor else 0
    rows = db.execute(f"{_ENTRIES} and number > ? order by number limit ?", (after, limit + 1)).fetchall()
    more, rows = len(rows) > limit, rows[:limit]
    total = db.execute("select count(*) from entries where verdict != 'ok'").fetchone()[0]
    actors = read.Actors(db)
    return {
        "items": [_item(db, row, actors) for row in rows],
        "next": f"{read.epoch(db)}.{rows[-1]['number']}" if more else None, "total": total,
    }  # fmt: skip


def one(db: Db, prefix: str) -> dict[str, Json]:
    """Return one of them by its id or the beginning of it."""
    rows = db.execute(f"{_ENTRIES} and substr(entries.id, 1, length(?)) = ?", (prefix, prefix)).fetchall()
    if not rows:
        raise NotFound(f"no entry {prefix!r} in quarantine", kind="quarantined")
    if len({row["id"] for row in rows}) > 1:
        raise Ambiguous(f"{prefix} names {len(rows)} entries", "give more digits")
    return _item(db, rows[0], read.Actors(db))


def _item(db: Db, row: Any, actors: read.Actors) -> dict[str, Json]:
    return {
        "entry": row["id"], "issue": row["whole"], "short": read.short(db, row["whole"]) if row["whole"] else None,
        "title": row["title"], "verdict": row["verdict"], "reason": row["reason"],
        "actor": actors(row["actor"]) if row["actor"] else None, "at": issue.stamp(row["at"]),
        "adoptable": row["verdict"] == "muted",
    }  # fmt: skip
