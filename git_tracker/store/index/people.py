"""Who did what: the event feed, histories, agents and their trails, and what did not take effect."""

from bisect import bisect_right
from collections.abc import Container
from typing import Any, NamedTuple

from git_tracker.errors import Ambiguous, Invalid, NotFound
from git_tracker.store import issue
from git_tracker.store.index import read
from git_tracker.store.index.schema import Db, meta

Json = Any
MAX_LIMIT = 500
_MOST_REOPENED = 100
_ACTIVE_MS = 15 * 60 * 1000  # an agent whose last entry is younger counts as at work


def feed(db: Db, since: str, limit: int, agent: str = "", id: str = "") -> dict[str, Json]:
    """Return events after a cursor, oldest first; without a cursor the newest ones."""
    _check(limit)
    after = read.position(db, since) if since else 0
    if agent or id:
        seqs = _numbers(db, actor(db, agent) if agent else "", id)
        total = len(seqs)
        seqs = seqs[(start := bisect_right(seqs, after)) : start + limit] if since else seqs[-limit:]
        items = read.events_at(db, seqs)
    else:
        total, items = read.event_count(db), read.events(db, "events.seq > ?", [after], limit, newest=not since)
    return {"items": items, "next": items[-1]["cursor"] if items else since or read.cursor(db), "total": total}


def _numbers(db: Db, actor: str, id: str) -> list[int]:
    """Return the numbers of all events of an actor, of an issue, or of the one on the other."""
    where, values = "issue != 0", list[object]()
    if id:
        where, values = "issue = (select key from issues where id = ?)", [id]
    if actor:
        where, values = f"{where} and actor = ?", [*values, actor]
    return sorted(read.numbers(db.execute(f"select seq, events from entries where {where}", values)))


def history(db: Db, id: str, limit: int, cursor: str) -> dict[str, Json]:
    """Return a page of an issue's events, oldest first, in the order they were admitted."""
    _check(limit)
    after = read.position(db, cursor) if cursor else 0
    seqs = _numbers(db, "", id)
    start = bisect_right(seqs, after)
    items = read.events_at(db, seqs[start : start + limit])
    more = len(seqs) > start + limit
    return {"items": items, "next": items[-1]["cursor"] if more else None, "total": len(seqs)}


def _check(limit: int) -> None:
    if not 0 < limit <= MAX_LIMIT:
        raise Invalid(f"a page holds 1 to {MAX_LIMIT} events, not {limit}", "use the cursor in `next` for more")


def agents(db: Db, now_ms: int, limit: int, cursor: str) -> dict[str, Json]:
    """Return a page of those who wrote here, latest first. The cursor says when, and who."""
    _check(limit)
    last, _, id = cursor.partition(".")
    if cursor and not (last.isdecimal() and last.isascii() and id):
        raise Invalid("the cursor is not one of ours", "leave it out to begin with the first page")
    after = "and (last, id) < (?, ?)" if cursor else ""
    rows = db.execute(
        f"select * from actors indexed by actors_last where entries > 0 {after} order by last desc, id desc limit ?",
        [*((int(last[:18]), id) if cursor else ()), limit + 1],
    ).fetchall()
    revoked, end = _revoked(db), rows[limit - 1] if len(rows) > limit else None
    items = [_agent(row, now_ms, revoked) for row in rows[:limit]]
    return {"items": items, "next": end and f"{end['last']}.{end['id']}", "total": int(meta(db, "agents") or 0)}


def _revoked(db: Db) -> frozenset[str]:
    """Return the ids of sessions that were ended."""
    return frozenset(meta(db, "revoked").split())


def _agent(row: Any, now_ms: int, revoked: Container[str]) -> dict[str, Json]:
    ended = row["session"] != "" and row["session"] in revoked
    return {
        "id": row["id"], "name": row["name"], "session": row["session"], "client": row["client"],
        "person": row["person"], "started_at": issue.stamp(row["started"]), "last_at": issue.stamp(row["last"]),
        "entries": row["entries"], "events": row["events"], "issues": row["issues"], "ok": row["ok"],
        "muted": row["muted"], "quarantined": row["quarantined"],
        "active": not ended and row["last"] * 1000 > now_ms - _ACTIVE_MS, "revoked": ended,
    }  # fmt: skip


def actor(db: Db, name: str) -> str:
    """Return the id of an agent or person by id, unique id prefix or unique name."""
    if db.execute("select 1 from actors where id = ?", (name,)).fetchone():
        return name
    rows = db.execute(
        "select id from actors where name = ? or (length(?) >= 4 and substr(id, 1, length(?)) = ?) limit 4", (name,) * 4
    ).fetchall()
    if not rows:
        raise NotFound(f"no agent {name!r}", kind="agent")
    if len(rows) > 1:
        raise Ambiguous(
            f"{name!r} names {len(rows)} or more agents: {', '.join(row[0] for row in rows)}", "give the id"
        )
    return str(rows[0][0])


class Only(NamedTuple):
    """Which part of a trail is asked for: of an issue (full id), of a kind of event, between two times in seconds."""

    issue: str = ""
    kind: str = ""
    since: int = 0
    until: int = 1 << 40


def audit(db: Db, name: str, limit: int, cursor: str, now_ms: int, only: Only = Only()) -> dict[str, Json]:  # noqa: B008
    """Return who delegated an agent, what it did in order, and gaps and forks of its chains."""
    _check(limit)
    id = actor(db, name)
    row = db.execute("select * from actors where id = ?", (id,)).fetchone()
    if not row["entries"]:
        raise NotFound(f"{name!r} wrote nothing here")
    after = read.position(db, cursor) if cursor else 0
    where, values = _asked(id, only)
    found = db.execute(
        "select entries.*, issues.id as whole, issues.title from entries join issues on issues.key = entries.issue"
        f" where {where} and entries.number > ? order by entries.number limit ?",
        [*values, after, limit + 1],
    ).fetchall()
    total = db.execute(
        f"select count(*) from entries join issues on issues.key = entries.issue where {where}", values
    ).fetchone()[0]
    more, found = len(found) > limit, found[:limit]
    unique, told = read.shorts(db, {entry["whole"] for entry in found}), read.events_by_entry(db, found)
    items = []
    for entry in found:
        items.append({
            "entry": entry["id"], "issue": entry["whole"], "short": unique[entry["whole"]],
            "title": entry["title"], "at": issue.stamp(entry["at"]), "n": entry["n"], "prev": entry["prev"],
            "verdict": entry["verdict"], "reason": entry["reason"],
            "events": told[entry["number"]],
        })  # fmt: skip
    return {
        "agent": _agent(row, now_ms, _revoked(db)), "delegation": _delegation(db, row), "items": items, "chain": chain(db, id),
        "next": f"{read.epoch(db)}.{found[-1]['number']}" if more else None, "total": total,
        "reopened": [] if cursor else reopened(db, id),
    }  # fmt: skip


_MOVES = f"""
select entries.id, entries.actor, entries.at, events.issue, issues.id as whole, issues.title,
    coalesce(json_extract(events.body, '$.category'), 'active') as category
from (select distinct issue from entries where actor = ?) as mine join issues on issues.key = mine.issue
    cross join entries on entries.issue = mine.issue cross join events on {read.OWN}
where events.type = 'status-changed' and entries.verdict = 'ok' and entries.reason = ''
order by events.issue, events.seq
"""


def reopened(db: Db, id: str) -> list[dict[str, Json]]:
    """Return where others took out of done what an actor had moved there, newest last: `{"entry", "issue", "by", …}`."""
    actors, last, found = read.Actors(db), None, list[dict[str, Json]]()
    for row in db.execute(_MOVES, (id,)):
        undone = last and last["issue"] == row["issue"] and last["category"] == "done" and row["category"] != "done"
        if undone and last["actor"] == id != row["actor"]:
            found.append({
                "entry": row["id"], "issue": row["whole"], "short": read.short(db, row["whole"]), "title": row["title"],
                "by": actors(row["actor"]), "at": issue.stamp(row["at"]), "finished_at": issue.stamp(last["at"]),
            })  # fmt: skip
        last = row
    return sorted(found, key=lambda one: (str(one["at"]), str(one["entry"])))[-_MOST_REOPENED:]


def _asked(id: str, only: Only) -> tuple[str, list[object]]:
    where, values = "actor = ? and entries.at >= ? and entries.at < ?", list[object]([id, only.since, only.until])
    if only.issue:
        where += " and issues.id = ?"
        values.append(only.issue)
    if only.kind:
        where += f" and exists (select 1 from events where {read.OWN} and type = ?)"
        values.append(only.kind)
    return where, values


def entries(db: Db, actor: str, issue: str = "") -> dict[str, str]:
    """Return the ids of an actor's entries, each with the issue it belongs to; of one issue if its id is given."""
    rows = db.execute(
        "select entries.id, issues.id from entries join issues on issues.key = entries.issue"
        " where actor = ? and (? = '' or issues.id = ?) order by number",
        (actor, issue, issue),
    )
    return {row[0]: row[1] for row in rows}


def delegation(db: Db, id: str) -> dict[str, Json] | None:
    """Return who delegated a session and how far; None for people."""
    row = db.execute("select * from actors where id = ?", (id,)).fetchone()
    return _delegation(db, row) if row else None


def _delegation(db: Db, row: Any) -> dict[str, Json] | None:
    if row["serial"] is None:
        return None
    named = db.execute(  # who has written to the trust log alone is known by the key
        "select name from actors where id in (:person, :issuer) order by id = :person desc", dict(row)
    ).fetchone()
    return {
        "person": row["person"], "person_name": named[0] if named else row["person"], "person_key": row["issuer"],
        "key": row["key"], "serial": row["serial"] % (1 << 64), "label": row["label"], "client": row["client"],
        "valid_after": issue.stamp(row["valid_after"]), "valid_before": issue.stamp(row["valid_before"]),
        "scope": row["scope"] or "everything",
    }  # fmt: skip


def chain(db: Db, actor: str) -> dict[str, Json]:
    """Return gaps (numbers that are missing) and forks (two entries after one) of all keys an actor wrote with.

    A person's key begins a chain in every clone it is used in; a session's key has one.
    """
    session = db.execute("select session from actors where id = ?", (actor,)).fetchone()
    from git_tracker.store import chains  # only here: readers of the index do without

    keys = db.execute("select distinct chain from entries where actor = ? and chain != 0", (actor,)).fetchall()
    links = {
        key: [
            chains.Link(row["id"], row["n"], row["prev"], ())
            for row in db.execute("select id, n, prev from entries where chain = ? order by n, number", (key,))
        ]
        for (key,) in keys
    }
    return chains.examined(links, one_clone=bool(session and session[0]))


def lost_claims(db: Db, actor: str, now_ms: int) -> list[dict[str, Json]]:
    """Return the claims of an actor that an earlier one of somebody else beats: `{"issue", "short", "holder"}`."""
    rows = db.execute(
        "select issues.id, issues.claim_actor from lost_claims join issues on issues.key = lost_claims.issue"
        " where lost_claims.actor = ? and lost_claims.until > ? and issues.claim_actor != lost_claims.actor",
        (actor, now_ms),
    ).fetchall()
    actors = read.Actors(db)
    return [{"issue": row[0], "short": read.short(db, row[0]), "holder": actors(row[1])} for row in rows]


def outcome(db: Db, id: str, actor: str, now_ms: int) -> dict[str, Json]:
    """Return what an actor is told of an issue after writing to it."""
    found = read.row(db, id, now_ms)
    if found["conflicted"]:
        found["conflicts"] = read.get(db, found["id"], now_ms, comments=0)["conflicts"]
    return found | {"heads": read.heads(db, found["id"]), "lost_claims": lost_claims(db, actor, now_ms)}


def figures(db: Db) -> dict[str, Json]:
    """Return the figures of the health page."""
    row = db.execute(
        "select (select coalesce(sum(n), 0) from tallies where label = '' and archived < 2) as issues, (select count(*) from entries) as entries,"
        " (select count(*) from entries where verdict != 'ok' and verdict != 'waiting') as quarantined,"
        " (select count(*) from entries where verdict != 'ok' and verdict = 'waiting') as waiting"
    ).fetchone()
    return {"epoch": read.epoch(db), "cursor": read.cursor(db), "events": read.event_count(db), **dict(row)}
