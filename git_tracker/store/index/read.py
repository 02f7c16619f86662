"""Answers from the index. Light on purpose: `tracker list` and `tracker show` import no more than this."""

import json
from collections.abc import Iterable, Sequence
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
    return f"{epoch(db)}.{last_seq(db) if seq is None else seq}"


def last_number(db: Db) -> int:
    """Return the number of the newest entry."""
    return int(db.execute("select coalesce(max(number), 0) from entries").fetchone()[0])


def last_seq(db: Db) -> int:
    """Return the highest number an event has."""
    return int(db.execute("select coalesce(max(seq), 0) from events").fetchone()[0])


def event_count(db: Db) -> int:
    """Return how many events there are: the highest number but for those that were taken out again."""
    return last_seq(db) - int(meta(db, "gaps") or 0)


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


# What a row of a list is made of: not the state, which is by far the longest.
LISTED = ", ".join(
    f"issues.{name}"
    for name in "key id title status category type priority assignee author created updated parent claim_actor"
    " claim_until claim_entry deferred blocked archived comments conflicted quarantined origin".split()
)


def resolve(db: Db, prefix: str) -> str:
    """Return the full id behind an id or a unique prefix of at least 7 digits; raise `NotFound` or `Ambiguous`."""
    return str(named(db, prefix, "id")[0])


def named(db: Db, prefix: str, columns: str) -> Row:
    """Return columns of the issue that an id or a prefix names, as `resolve` does."""
    text = prefix.strip().lower() if isinstance(prefix, str) else ""
    if not issue.SHORT <= len(text) <= 40 or not _DIGITS.issuperset(text):
        raise NotFound(f"no issue {prefix!r}", "an id is 7 to 40 hexadecimal digits", kind="issue")
    rows: list[Row] = db.execute(
        f"select {columns} from issues where id >= ? and id <= ? and archived < 2 limit 4", (text, text + "g")
    ).fetchall()
    if not rows:
        raise NotFound(f"no issue {prefix}", kind="issue")
    if len(rows) > 1:
        shown = ", ".join(f"{row['id'][:12]}" for row in rows)
        raise Ambiguous(f"{prefix} names {len(rows)} or more issues: {shown}", "give more digits")
    return rows[0]


_ACTOR = "select id, name, session, person, client from actors where"


class Actors:
    """Actors by id, looked up once per answer: those that are `expected` all at once."""

    def __init__(self, db: Db, expected: Iterable[str | None] = ()) -> None:
        self._db, self._known = db, dict[str, issue.Actor]()
        if ids := [*filter(None, {*expected})]:
            here = f"{_ACTOR} id in (select value from json_each(?))"
            self._known.update((row["id"], dict(row)) for row in db.execute(here, (json.dumps(ids),)))

    def __call__(self, id: str) -> issue.Actor:
        found = self._known.get(id)
        if found is None:
            row = self._db.execute(f"{_ACTOR} id = ?", (id,)).fetchone()
            found = self._known[id] = dict(row) if row else issue.nobody(id)
        return found


def short(db: Db, id: str) -> str:
    """Return the shortest prefix of at least 7 digits that is unique here."""
    return shorts(db, [id])[id]


def shorts(db: Db, ids: Iterable[str]) -> dict[str, str]:
    """Return the shortest unique prefix, of at least 7 digits, of each id: one digit longer than what neighbours share."""
    found = db.execute(
        "select value, (select max(id) from issues where id < value), (select min(id) from issues where id > value)"
        " from json_each(?)",
        (json.dumps([*ids]),),
    )
    return {id: _unlike(_unlike(id[: issue.SHORT], id, before), id, after) for id, before, after in found}


def _unlike(short: str, id: str, other: str | None) -> str:
    """Return a prefix of an id that another id does not begin with: `short`, or as much more as it takes."""
    while other and other.startswith(short):
        short = id[: len(short) + 1]
    return short


def rows(db: Db, found: Sequence[Row], now_ms: int) -> list[dict[str, Json]]:
    """Return rows of the index as they stand in lists."""
    actors = Actors(db, (row[name] for row in found for name in ("author", "claim_actor")))
    unique = shorts(db, [row["id"] for row in found])
    carried = db.execute(
        "select issue, json_group_array(label) from labels where issue in (select value from json_each(?)) group by issue",
        (json.dumps([row["key"] for row in found]),),
    )
    labels = {key: sorted(json.loads(names)) for key, names in carried}
    tentative = arrived.tentative(db, (row["claim_entry"] for row in found))
    return [issue.row(row, labels.get(row["key"], []), actors, now_ms, unique[row["id"]], tentative) for row in found]


def row(db: Db, id: str, now_ms: int) -> dict[str, Json]:
    """Return one issue as it stands in lists."""
    return rows(db, [named(db, id, LISTED)], now_ms)[0]


def heads(db: Db, id: str) -> list[str]:
    """Return the heads an issue was folded from."""
    found = db.execute("select state from issues where id = ?", (id,)).fetchone()
    return list(json.loads(found[0])["heads"])


def get(db: Db, id: str, now_ms: int, *, comments: int | None = None, among: int | None = None) -> dict[str, Json]:
    """Return the whole issue behind an id or prefix; if so wanted with the last `comments` alone of the first `among`.

    Then `comment_count` says how many there are.
    """
    row = named(db, id, "*")
    full, state = str(row["id"]), json.loads(row["state"])
    last = row["comments"] if among is None else min(among, row["comments"])
    latest_first = db.execute(
        "select part, body, note from comments where issue = ? order by place desc limit ? offset ?",
        (row["key"], last if comments is None else min(comments, last), row["comments"] - last),
    ).fetchall()
    notes = [(part, json.loads(note) | {"body": body}) for part, body, note in reversed(latest_first)]
    actors = Actors(db, [row["author"], *(note["actor"] for _, note in notes)])
    links_in = db.execute(
        "select links.kind, issues.id from links join issues on issues.key = links.issue"
        " where links.other = ? order by links.kind, issues.key",
        (full,),
    )
    found = issue.view(
        row, state, notes, _disputed(db, row["key"], state), [(kind, other) for kind, other in links_in if kind != "parent"],
        actors, now_ms, short(db, full), arrived.tentative(db, [row["claim_entry"]]),
    )  # fmt: skip
    return found if comments is None else found | {"comment_count": row["comments"]}


def _disputed(db: Db, key: int, state: dict[str, Json]) -> dict[str, str]:
    """Return the bodies of the comments that are in conflict."""
    one = "select part, body from comments where issue = ? and part = ?"
    found = (db.execute(one, (key, document)).fetchone() for document in state["conflicts"])
    return {row[0]: row[1] for row in found if row}


def in_conflict(db: Db, found: Sequence[Row], now_ms: int) -> list[dict[str, Json]]:
    """Return rows of the index as they stand in lists, each with its conflicts in brief."""
    actors, out = Actors(db), rows(db, found, now_ms)
    for row, shown in zip(found, out, strict=True):
        state = json.loads(db.execute("select state from issues where key = ?", (row["key"],)).fetchone()[0])
        disputed = _disputed(db, row["key"], state)
        shown["conflicts"] = [conflicts.brief(one) for one in conflicts.of(state, disputed, actors, issue.stamp)]
    return out


_EVENTS = (
    "select events.seq, events.entry as number, events.type, events.body, events.summary, entries.id as entry, entries.actor, entries.at,"
    " entries.verdict, entries.reason, issues.id as issue, issues.title"
    " from events join entries on entries.number = events.entry join issues on issues.key = events.issue"
)


PUBKEY = "(select key from pubkeys where hex = ?)"  # by which number entries name a public key
OWN = "events.seq >= entries.seq and events.seq < entries.seq + entries.events"  # of an entry: numbered on end


def numbers(entries: Iterable[Row]) -> list[int]:
    """Return the numbers of the events of entries, in the order given; a row has `seq` and `events`."""
    return [seq for row in entries for seq in range(row["seq"], row["seq"] + row["events"])]


def events_at(db: Db, seqs: Sequence[int]) -> list[dict[str, Json]]:
    """Return the events of these numbers, oldest first."""
    where = "events.seq in (select value from json_each(?))"
    return events(db, where, [json.dumps(seqs)], len(seqs))


def events(db: Db, where: str, values: Sequence[object], limit: int, *, newest: bool = False) -> list[dict[str, Json]]:
    """Return events, oldest first; `newest` takes the last ones of all that match."""
    way = "desc" if newest else "asc"
    found = db.execute(f"{_EVENTS} where {where} order by events.seq {way} limit ?", [*values, limit]).fetchall()
    return event_rows(db, reversed(found) if newest else found)


def events_by_entry(db: Db, entries: Sequence[Row]) -> dict[int, list[dict[str, Json]]]:
    """Return the events of entries by their numbers, each as `events` returns them."""
    where = "events.seq in (select value from json_each(?)) order by events.seq"
    rows = db.execute(f"{_EVENTS} where {where}", (json.dumps(numbers(entries)),)).fetchall()
    found: dict[int, list[dict[str, Json]]] = {row["number"]: [] for row in entries}
    for row, told in zip(rows, event_rows(db, rows), strict=True):
        found[row["number"]].append(told)
    return found


def event_rows(db: Db, found: Any) -> list[dict[str, Json]]:
    """Return index rows of events as programs see them."""
    found = list(found)
    actors, start = Actors(db, {row["actor"] for row in found}), epoch(db)
    unique = shorts(db, {row["issue"] for row in found})
    out = []
    for row in found:
        id = row["issue"]
        body = json.loads(row["body"])
        if "issue" in body:  # of a link: `issue` names the one that holds it
            body["other"] = body["issue"]
        out.append({
            "title": row["title"], **body, "cursor": f"{start}.{row['seq']}", "entry": row["entry"], "issue": id,
            "short": unique[id], "type": row["type"], "summary": row["summary"],
            "actor": actors(row["actor"]) if row["actor"] else issue.nobody("unknown"),
            "at": issue.stamp(row["at"]), "verdict": row["verdict"], "reason": row["reason"] or body.get("reason", ""),
        })  # fmt: skip
    return out
