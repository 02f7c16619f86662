"""Putting folded issues into the index. Called inside the transaction of the store's one write path."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from git_tracker.store.fold import Record
from git_tracker.store.index import counts, derive, read, texts
from git_tracker.store.index.putting import Interned, Rows
from git_tracker.store.index.rows import Comments, put_comments
from git_tracker.store.index.schema import Db, Row
from git_tracker.store.state import State
from git_tracker.store.verdicts import Admission
from git_tracker.store.workflow import Workflow

HIDDEN = 2  # in the column `archived`
WAITING = "entries.verdict = 'waiting' and entries.verdict != 'ok'"  # so that SQLite sees which index will do

COLUMNS = (
    "tip", "seq", "title", "status", "category", "type", "priority", "assignee", "author", "person", "created",
    "updated", "closed", "parent", "milestone", "due", "deferred", "archived", "claim_actor", "claim_until",
    "claim_entry", "comments", "conflicted", "origin", "quarantined", "state",
)  # fmt: skip


def stored(db: Db, id: str) -> Row | None:
    """Return the row of an issue, `COLUMNS` and its `key`, if it is here."""
    row: Row | None = db.execute("select * from issues where id = ?", (id,)).fetchone()
    return row


def state(db: Db, row: Row) -> State:
    """Return the state of an issue as its row has it, with its comments behind it."""
    found = State.from_json(json.loads(row["state"]), Comments(db, row["key"]))  # type: ignore[arg-type]
    found.stored = derive.encode(found.sets), found.texts.get("description", "")
    return found


def key_of(db: Db, id: str) -> int | None:
    row = db.execute("select key from issues where id = ?", (id,)).fetchone()
    return int(row[0]) if row else None


def tip(db: Db, id: str) -> str:
    """Return what the ref of an issue pointed to when it was indexed, or nothing."""
    row = db.execute("select tip from issues where id = ?", (id,)).fetchone()
    return str(row[0]) if row else ""


def as_refs(db: Db, prefix: str) -> bytes:
    """Return a line for each issue as packed-refs has it: what its ref pointed to, and that ref, in order of names."""
    line = "select cast(tip || ' ' || ? || id || char(10) as blob) from issues where tip != '' order by id"
    found = db.cursor()
    found.row_factory = None  # there may be a great many
    return b"".join([row[0] for row in found.execute(line, (prefix,))])


def changed_since(db: Db, seq: int) -> set[str]:
    """Return the issues that were written to the index since `seq` was its last event, and perhaps some more."""
    return {row[0] for row in db.execute("select id from issues where seq >= ?", (seq,))}


def reserve(db: Db, id: str) -> int:
    """Return the key of an issue, making room for a new one."""
    key = key_of(db, id)
    if key is None:
        blank = blank_issue() | {"id": id}
        names = ", ".join(blank)
        marks = ", ".join("?" * len(blank))
        key = int(db.execute(f"insert into issues ({names}) values ({marks})", [*blank.values()]).lastrowid or 0)
    return key


def blank_issue() -> dict[str, Any]:
    """Return the columns of an issue of which nothing is known."""
    numbers = ("seq", "priority", "created", "updated", "archived", "comments", "conflicted", "quarantined")
    absent = (
        "assignee",
        "closed",
        "parent",
        "milestone",
        "due",
        "deferred",
        "claim_actor",
        "claim_until",
        "claim_entry",
    )
    return dict.fromkeys(COLUMNS, "") | dict.fromkeys(numbers, 0) | dict.fromkeys((*absent, "origin"), None)


def add_entries(db: Db, found: Iterable[tuple[int, Admission]]) -> int:
    """Number entries (with the key of their issue) and their events in the order given; return the last number."""
    seq, number = read.last_seq(db), read.last_number(db)
    rows = Rows()
    numbers = Interned(db)
    counted: set[tuple[int, str]] = set()
    for key, admission in found:
        who = key, admission.record.actor
        counts.put_actor(db, key, admission, counted=who in counted)
        counted.add(who)
        number += 1
        seq = rows.add(key, admission, number, numbers, seq)
    rows.flush(db)
    return seq


def records(db: Db, key: int) -> list[Record]:
    """Return what the fold needs of every admitted entry of an issue."""
    rows = db.execute(
        "select entries.*, auths.heads from entries join auths on auths.key = entries.auth where issue = ? order by number",
        (key,),
    ).fetchall()
    root = db.execute("select id from issues where key = ?", (key,)).fetchone()[0]
    return effective(root, [
        Record(
            row["id"], tuple(row["parents"].split()), (row["ms"], row["count"]), row["actor"], row["at"], row["under"],
            events_of(db, row), row["digest"], row["verdict"] == "muted",
            auth=tuple(row["heads"].split()), person=row["chain"] == row["issuer"], review=row["review"],
        )
        for row in rows if row["verdict"] in ("ok", "muted")
    ])  # fmt: skip


def effective(root: str, records: Sequence[Record]) -> list[Record]:
    """Return admitted entries with the parents that count: an edge to one that is not admitted is ignored."""
    kept = {record.id for record in records}
    if all(map(kept.issuperset, (record.parents for record in records))):
        return list(records)
    found = []
    for record in records:
        parents = tuple(parent for parent in record.parents if parent in kept)
        uprooted = len(parents) < len(record.parents)
        found.append(record._replace(
            parents=parents or ((root,) if record.id != root else ()), uprooted=uprooted
        ))  # fmt: skip
    return found


def events_of(db: Db, entry: Row) -> list[dict[str, Any]]:
    """Return the events of an entry as they were recorded."""
    own = "select type, body from events where seq between ? and ? order by seq"
    rows = db.execute(own, (entry["seq"], entry["seq"] + entry["events"] - 1))
    return [{"type": row[0], **json.loads(row[1])} for row in rows]


def put_issue(
    db: Db, key: int, tip: str, folded: State, seq: int, workflow: Workflow, row: Row | None, *, own: bool = False
) -> None:
    """Write an issue's state and everything derived from it, and what it changes for the issues it blocks.

    `row` is what `stored` returned of it, if that still is so. `own` says that all there is since is what was just
    written here, which counts.
    """
    _put_rejections(db, key, folded)
    before = row or db.execute("select * from issues where key = ?", (key,)).fetchone()
    changes = texts.Changes(db, key)
    added = put_comments(db, key, folded.comments, before["comments"], changes)
    known = {"tip": tip, "seq": seq}
    if not own or not before["tip"]:
        known |= _of_entries(db, key, folded)
    columns = derive.columns(folded, workflow) | known | {"comments": before["comments"] + added}
    changed = {name: value for name, value in columns.items() if value != before[name]}  # few, and each costs indexes
    if changed:
        assignments = ", ".join(f"{name} = :{name}" for name in changed)
        db.execute(f"update issues set {assignments} where key = :key", changed | {"key": key})
    sets, description = folded.stored or ("", None)
    relinked = derive.put_sets(db, key, before["id"], folded) if sets != derive.encode(folded.sets) else set()
    if relinked or changed.keys() & {"category", "archived"}:
        blocks = db.execute("select other from links where issue = ? and kind = 'blocks'", (key,)).fetchall()
        derive.update_blocked(db, {before["id"], *relinked, *(row[0] for row in blocks)})
    derive.put_lost_claims(db, key, folded)
    changes.title(before["title"], columns["title"])
    if description != (now := folded.texts.get("description", "")):
        changes.description(texts.description(before["state"]), now)
    changes.flush()


def _of_entries(db: Db, key: int, folded: State) -> dict[str, Any]:
    """Return the columns of an issue that follow from who wrote it, and from what does not count."""
    person = db.execute("select person from actors where id = ?", (folded.created["actor"],)).fetchone()
    bad = db.execute(
        "select count(*) from entries where verdict != 'ok' and verdict in ('quarantined', 'muted', 'waiting') and issue = ?",
        (key,),
    ).fetchone()[0]
    return {"person": person[0] if person else "", "quarantined": bad}


def _put_rejections(db: Db, key: int, folded: State) -> None:
    if not isinstance(folded.comments, Comments):  # folded anew
        db.execute("update entries set reason = '' where issue = ? and verdict = 'ok' and reason != ''", (key,))
    for rejection in folded.rejections:
        db.execute(
            "update entries set reason = ? where id = ? and issue = ? and verdict = 'ok'",
            (f"no effect: {rejection.reason}", rejection.entry, key),
        )


def forget_issue(db: Db, key: int) -> None:
    """Remove everything derived of one issue, for a rebuild of it."""
    counts.forget(db, "issue = ?", (key,))
    _forget_state(db, key)


def _forget_state(db: Db, key: int) -> None:
    """Make an issue as blank as `reserve` does, and whatever it blocked free of it."""
    id = db.execute("select id from issues where key = ?", (key,)).fetchone()[0]
    touched = {row[0] for row in db.execute("select other from links where issue = ? and kind = 'blocks'", (key,))}
    touched |= {row[0] for row in db.execute("select id from issues where parent = ?", (id,))}
    texts.forget(db, key)
    for table in ("comments", "labels", "links", "lost_claims"):
        db.execute(f"delete from {table} where issue = ?", (key,))
    blank = blank_issue()
    db.execute(
        f"update issues set {', '.join(f'{name} = :{name}' for name in blank)} where key = :key", blank | {"key": key}
    )
    derive.update_blocked(db, {id, *touched})


def forget_entry(db: Db, key: int, id: str) -> None:
    """Remove one entry whose verdict changed, so that it can be numbered anew; its issue will be folded from all."""
    texts.forget_description(db, key)
    db.execute("update issues set state = '' where key = ?", (key,))
    counts.forget(db, "issue = ? and id = ?", (key, id))


def hide(db: Db, key: int, tip: str, seq: int) -> None:
    """Keep an issue without a readable root out of sight; its entries stay listed with their verdicts."""
    _forget_state(db, key)
    db.execute("update issues set tip = ?, seq = ?, archived = ? where key = ?", (tip, seq, HIDDEN, key))


def verdicts(db: Db, key: int) -> dict[str, tuple[str, bool, str, str]]:
    """Return of each entry of an issue the verdict, whether some of its past is missing, who wrote it, and `review`."""
    rows = db.execute("select id, verdict, partial, actor, review from entries where issue = ?", (key,))
    return {row[0]: (row[1], bool(row[2]), row[3], row[4]) for row in rows}


def issues_of(db: Db, entry: str) -> list[str]:
    """Return the issues below whose root an entry stands."""
    rows = db.execute(
        "select issues.id from entries join issues on issues.key = entries.issue where entries.id = ? and rooted",
        (entry,),
    )
    return [row[0] for row in rows]


def among(db: Db, issue: str, entries: Iterable[str]) -> set[str]:
    """Return those of the given entries that are in an issue."""
    return {entry for entry in entries if issue in issues_of(db, entry)}


def waiting(db: Db) -> Iterator[tuple[str, int, str, list[str]]]:
    """Yield (issue, ms of its clock, reason, ids that are not here) of what waits or stands on what is not here."""
    select = (
        "select issues.id as whole, issues.key, entries.number, entries.parents, entries.ms, entries.reason from entries"
        " join issues on issues.key = entries.issue where"
    )
    rows = db.execute(f"{select} {WAITING} union {select} entries.partial").fetchall()
    known = "select 1 from entries where id = ? and issue = ?"
    for row in rows:
        parents = row["parents"].split()
        missing = [id for id in parents if not db.execute(known, (id, row["key"])).fetchone()]
        yield row["whole"], row["ms"], row["reason"], missing
    hidden = (
        "select id, tip from issues where archived = ?"
        " and not exists (select 1 from entries where entries.id = issues.tip and entries.issue = issues.key)"
    )
    for row in db.execute(hidden, (HIDDEN,)).fetchall():
        yield row["id"], 0, "", [row["tip"]]


def wake(db: Db, reason: str, early_ms: int) -> str:
    """Return the time (ms) at which the first entry that waits for its time may be looked at again, or nothing."""
    first = db.execute(f"select min(ms) from entries where {WAITING} and reason = ?", (reason,)).fetchone()[0]
    return "" if first is None else str(first - early_ms)


def heads(db: Db, key: int) -> set[str]:
    """Return the entries of an issue, of whatever verdict, that no other builds on."""
    rows = db.execute("select id, parents from entries where issue = ?", (key,)).fetchall()
    return {row[0] for row in rows} - {parent for row in rows for parent in row[1].split()}
