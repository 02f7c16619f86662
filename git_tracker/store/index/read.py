"""Answers from the index. Light on purpose: `tracker list` and `tracker show` import no more than this."""

import json
from collections.abc import Sequence
from typing import Any

from git_tracker.errors import Ambiguous, EpochChanged, Invalid, NotFound
from git_tracker.store import conflicts, issue
from git_tracker.store.index import arrived
from git_tracker.store.index.schema import Db, Row, meta

Json = Any
_DIGITS = frozenset("0123456789abcdef")


def epoch(db: Db) -> str:
    return meta(db, "epoch")


def cursor(db: Db, seq: int | None = None) -> str:
    """Return the cursor of an event, or of the newest."""
    if seq is None:
        seq = db.execute("select coalesce(max(seq), 0) from events").fetchone()[0]
    return f"{epoch(db)}.{seq}"


def position(db: Db, text: str) -> int:
    """Return the sequence number behind a cursor; raise `EpochChanged` if the numbering was rebuilt since."""
    found, _, seq = text.partition(".")
    if "~" in text:  # of a workspace: it counts otherwise
        raise EpochChanged(f"{epoch(db)}.0")
    if not (seq.isdecimal() and seq.isascii()):
        raise Invalid("the cursor is not one of ours", f"the newest is {cursor(db)}")
    if found != epoch(db):
        raise EpochChanged(f"{epoch(db)}.0")
    return int(seq[:18])


def resolve(db: Db, prefix: str) -> str:
    """Return the full id behind an id or a unique prefix of at least 7 digits; raise `NotFound` or `Ambiguous`."""
    text = prefix.strip().lower() if isinstance(prefix, str) else ""
    if not issue.SHORT <= len(text) <= 40 or not _DIGITS.issuperset(text):
        raise NotFound(f"no issue {prefix!r}", "an id is 7 to 40 hexadecimal digits; `tracker list` shows them")
    rows = db.execute(
        "select id, title from issues where id >= ? and id <= ? and archived < 2 limit 4", (text, text + "g")
    ).fetchall()
    if not rows:
        raise NotFound(f"no issue {prefix}", "`tracker list` shows the ids")
    if len(rows) > 1:
        shown = ", ".join(f"{row['id'][:12]}" for row in rows)
        raise Ambiguous(f"{prefix} names {len(rows)} or more issues: {shown}", "give more digits")
    return str(rows[0]["id"])


class Actors:
    """Actors by id, looked up once per answer."""

    def __init__(self, db: Db) -> None:
        self._db, self._known = db, dict[str, issue.Actor]()

    def __call__(self, id: str) -> issue.Actor:
        found = self._known.get(id)
        if found is None:
            row = self._db.execute(
                "select id, name, session, person, client from actors where id = ?", (id,)
            ).fetchone()
            found = self._known[id] = dict(row) if row else issue.nobody(id)
        return found


def short(db: Db, id: str) -> str:
    """Return the shortest prefix of at least 7 digits that is unique here."""
    for digits in range(issue.SHORT, 40):
        prefix = id[:digits]
        rows = db.execute("select 1 from issues where id >= ? and id <= ? limit 2", (prefix, prefix + "g")).fetchall()
        if len(rows) < 2:
            return prefix
    return id


def rows(db: Db, found: Sequence[Row], now_ms: int) -> list[dict[str, Json]]:
    """Return rows of the index as they stand in lists."""
    actors = Actors(db)
    tentative = arrived.tentative(db, (row["claim_entry"] for row in found))
    return [issue.row(row, labels(db, row["key"]), actors, now_ms, short(db, row["id"]), tentative) for row in found]


def row(db: Db, id: str, now_ms: int) -> dict[str, Json]:
    """Return one issue as it stands in lists."""
    found = db.execute("select * from issues where id = ?", (resolve(db, id),)).fetchall()
    return rows(db, found, now_ms)[0]


def heads(db: Db, id: str) -> list[str]:
    """Return the heads an issue was folded from."""
    found = db.execute("select state from issues where id = ?", (id,)).fetchone()
    return list(json.loads(found[0])["heads"])


def labels(db: Db, key: int) -> list[str]:
    return [row[0] for row in db.execute("select label from labels where issue = ? order by label", (key,))]


def get(db: Db, id: str, now_ms: int) -> dict[str, Json]:
    """Return the whole issue behind an id or prefix."""
    full = resolve(db, id)
    row = db.execute("select * from issues where id = ?", (full,)).fetchone()
    notes = db.execute("select part, body from comments where issue = ? order by place", (row["key"],))
    links_in = db.execute(
        "select links.kind, issues.id from links join issues on issues.key = links.issue"
        " where links.other = ? order by links.kind, issues.key",
        (full,),
    )
    return issue.view(
        row, json.loads(row["state"]), [(part, json.loads(body)) for part, body in notes],
        [(kind, other) for kind, other in links_in if kind != "parent"], Actors(db), now_ms, short(db, full),
        arrived.tentative(db, [row["claim_entry"]]),
    )  # fmt: skip


def in_conflict(db: Db, found: Sequence[Row], now_ms: int) -> list[dict[str, Json]]:
    """Return rows of the index as they stand in lists, each with its conflicts in brief."""
    actors, out = Actors(db), rows(db, found, now_ms)
    for row, shown in zip(found, out, strict=True):
        state = json.loads(row["state"])
        notes = {
            part: json.loads(body)["body"]
            for document in state["conflicts"]
            for part, body in db.execute(
                "select part, body from comments where issue = ? and part = ?", (row["key"], document)
            )
        }
        shown["conflicts"] = [conflicts.brief(one) for one in conflicts.of(state, notes, actors, issue.stamp)]
    return out


def board(
    db: Db, statuses: Sequence[tuple[str, str]], where: str, values: Sequence[object], now_ms: int, limit: int
) -> Json:
    """Return one column for each (status, category), and for statuses that other workflows brought."""
    found = db.execute(
        f"select status, category, count(*) as n from issues where {where} group by status", values
    ).fetchall()
    counts = {row["status"]: row["n"] for row in found}
    foreign = [(row["status"], row["category"]) for row in found if row["status"] not in dict(statuses)]
    columns = []
    for status, category in [*statuses, *foreign]:
        order = (
            "issues.updated desc, issues.key desc"
            if category == "done"
            else "issues.priority, issues.created, issues.key"
        )
        cards = db.execute(
            f"select * from issues where {where} and issues.status = ? order by {order} limit ?",
            [*values, status, limit],
        ).fetchall()
        columns.append({
            "status": status, "category": category, "title": status.replace("-", " ").capitalize(),
            "total": counts.get(status, 0), "items": rows(db, cards, now_ms),
        })  # fmt: skip
    return {"columns": columns, "cursor": cursor(db)}


_EVENTS = (
    "select events.seq, events.type, events.body, events.summary, entries.id as entry, entries.actor, entries.at,"
    " entries.verdict, entries.reason, issues.id as issue, issues.title"
    " from events join entries on entries.number = events.entry join issues on issues.key = events.issue"
)


def events(db: Db, where: str, values: Sequence[object], limit: int, *, newest: bool = False) -> list[dict[str, Json]]:
    """Return events, oldest first; `newest` takes the last ones of all that match."""
    way = "desc" if newest else "asc"
    found = db.execute(f"{_EVENTS} where {where} order by events.seq {way} limit ?", [*values, limit]).fetchall()
    return event_rows(db, reversed(found) if newest else found)


def event_rows(db: Db, found: Any) -> list[dict[str, Json]]:
    """Return index rows of events as programs see them."""
    actors, start, shorts = Actors(db), epoch(db), dict[str, str]()
    out = []
    for row in found:
        id = row["issue"]
        if id not in shorts:
            shorts[id] = short(db, id)
        body = json.loads(row["body"])
        if "issue" in body:  # of a link: `issue` names the one that holds it
            body["other"] = body["issue"]
        out.append({
            "title": row["title"], **body, "cursor": f"{start}.{row['seq']}", "entry": row["entry"], "issue": id,
            "short": shorts[id], "type": row["type"], "summary": row["summary"],
            "actor": actors(row["actor"]) if row["actor"] else issue.nobody("unknown"),
            "at": issue.stamp(row["at"]), "verdict": row["verdict"], "reason": row["reason"] or body.get("reason", ""),
        })  # fmt: skip
    return out
