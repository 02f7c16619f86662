"""Which checkpoints of other devices the index has taken in, and which of ours says what it holds."""

import json
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from git_tracker.store.index.schema import Db


class Arrived(NamedTuple):
    """A checkpoint as it was taken in; `flaw` says what of it was not."""

    ref: str
    tip: str
    flaw: str


def tips(db: Db) -> dict[str, str]:
    """Return the checkpoint that was taken in last, by ref."""
    return {row[0]: row[1] for row in db.execute("select ref, tip from devices")}


def tree(db: Db, ref: str) -> str:
    """Return the tree of the checkpoint that was taken in last from a ref, or nothing."""
    row = db.execute("select tree from devices where ref = ?", (ref,)).fetchone()
    return str(row[0]) if row else ""


def put(db: Db, ref: str, tip: str, tree: str, flaw: str) -> None:
    db.execute("insert or replace into devices values (?, ?, ?, ?)", (ref, tip, tree, flaw))


def rows(db: Db) -> list[tuple[str, str, str, str]]:
    """Return what `put` was given."""
    return [tuple(row) for row in db.execute("select ref, tip, tree, flaw from devices")]


def all(db: Db) -> list[Arrived]:
    return [Arrived(*row) for row in db.execute("select ref, tip, flaw from devices order by ref")]


def last_entry(db: Db) -> int:
    """Return the number of the entry that was indexed last."""
    return int(db.execute("select coalesce(max(number), 0) from entries").fetchone()[0])


def counts_since(db: Db, number: int) -> dict[str, int]:
    """Return how many entries were indexed after the given one, by verdict."""
    rows = db.execute("select verdict, count(*) from entries where number > ? group by verdict", (number,))
    return {row[0]: row[1] for row in rows}


def conflicted_since(db: Db, number: int) -> int:
    """Return how many issues that got entries after the given one show a conflict."""
    return int(
        db.execute(
            "select count(*) from issues where conflicted"
            " and key in (select issue from entries where number > ?)", (number,)
        ).fetchone()[0]
    )  # fmt: skip


def changed_since(db: Db, seq: int) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield each issue with events after `seq`, and the heads of it that others may fetch.

    Entries whose past is here whole: what waits for a parent could not be sent, and what is bad should not be.
    """
    for row in db.execute("select key, id from issues where seq > ?", (seq,)).fetchall():
        yield row[1], heads(db, row[0])


def dated(db: Db, entries: Iterable[str]) -> dict[str, int]:
    """Return when each of the given entries says it was made, in seconds since 1970."""
    query = "select at from entries where id = ?"
    return {id: int((db.execute(query, (id,)).fetchone() or (0,))[0]) for id in entries}


def tentative(db: Db, entries: Iterable[str | None]) -> frozenset[str]:
    """Return those of the given entries that no remote was told of yet; none where nothing is ever exchanged."""
    notes = db.execute("select value from meta where name >= 'exchange ' and name < 'exchange!'").fetchall()
    if not notes:
        return frozenset()
    told = max(int(row[0].partition(" ")[0] or 0) for row in notes)
    query = "select 1 from entries where id = ? and number > ?"
    return frozenset(id for id in entries if id and db.execute(query, (id, told)).fetchone())


def heads(db: Db, key: int) -> frozenset[str]:
    """Return the maximal entries of an issue that can be sent to others."""
    told = db.execute(
        "select case when state = '' then null else json_extract(state, '$.heads') end from issues where key = ?"
        " and not exists (select 1 from entries where issue = key and verdict in ('waiting', 'quarantined'))", (key,)
    ).fetchone()  # fmt: skip
    if told and told[0]:
        return frozenset(json.loads(told[0]))
    rows = db.execute(
        "select id, parents from entries where issue = ? and not partial and verdict != 'quarantined'",
        (key,),
    ).fetchall()
    sent = {row[0] for row in rows}
    return frozenset(sent - {parent for row in rows for parent in row[1].split()})
