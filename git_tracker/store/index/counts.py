"""Figures that are kept by the change, so that nobody has to count: what each actor did, how many events there are."""

from collections.abc import Iterable
from itertools import chain
from typing import Any

from git_tracker.store.index import read
from git_tracker.store.index.schema import Db, set_meta
from git_tracker.store.verdicts import Admission

_KNOWN = "name session person client key issuer serial label valid_after valid_before scope".split()
_DONE = "entries events issues ok muted quarantined".split()

_ACTOR = f"""
insert into actors (id, {", ".join(_KNOWN)}, started, last, {", ".join(_DONE)}) values ({", ".join("?" * 20)})
on conflict (id) do update set {", ".join(f"{name} = excluded.{name}" for name in _KNOWN)},
    {", ".join(f"{name} = {name} + excluded.{name}" for name in _DONE)},
    started = coalesce(min(started, excluded.started), started, excluded.started),
    last = coalesce(max(last, excluded.last), last, excluded.last)
"""

_FIGURES = "started, last, entries, issues, ok, muted, quarantined, events"
_COUNT = """
select min(at), max(at), count(*), count(distinct issue), coalesce(sum(verdict = 'ok'), 0),
    coalesce(sum(verdict = 'muted'), 0), coalesce(sum(verdict = 'quarantined'), 0), coalesce(sum(events), 0)
"""
_RECOUNT = f"""
update actors set ({_FIGURES}) = ({_COUNT} from entries where actor = actors.id and issue != 0) where id = ?
"""

Figures = tuple[Any, ...]  # what `_FIGURES` names, and the actor's id


def put_actor(db: Db, issue: int, found: Admission, *, counted: bool) -> None:
    """Note who wrote an entry, before it is numbered; of the trust log (issue 0) only that they did.

    `counted` says that the issue is among theirs by an entry that is not in the table yet.
    """
    if found.actor is None:
        return
    record = found.record
    if not issue:
        db.execute(_ACTOR, (*found.actor, None, None, 0, 0, 0, 0, 0, 0))
        return
    one = "select 1 from entries where issue = ? and actor = ? limit 1"
    known = counted or db.execute(one, (issue, record.actor)).fetchone()
    verdicts = (int(found.verdict == verdict) for verdict in ("ok", "muted", "quarantined"))
    db.execute(_ACTOR, (*found.actor, record.at, record.at, 1, len(record.events) or 1, int(not known), *verdicts))


def figures(db: Db) -> list[Figures]:
    """Return what each actor did in a part of the issues, that has all of these whole."""
    return [tuple(row) for row in db.execute(f"{_COUNT}, actor from entries group by actor")]


def count_all(db: Db, parts: Iterable[list[Figures]]) -> None:
    """Fill what is kept by the change, for an index that was made of parts without: figures of actors, tallies."""
    found: dict[str, Figures] = {}
    for *own, id in chain.from_iterable(parts):
        started, last, *sums = found.get(id, (own[0], own[1], *[0] * (len(own) - 2)))
        found[id] = (min(started, own[0]), max(last, own[1]), *map(sum, zip(sums, own[2:], strict=True)))
    marks = ", ".join("?" * len(_FIGURES.split(", ")))
    update = f"update actors set ({_FIGURES}) = ({marks}) where id = ?"
    db.executemany(update, ((*figures, id) for id, figures in found.items()))
    set_meta(db, "agents", str(db.execute("select count(*) from actors where entries > 0").fetchone()[0]))
    db.execute("delete from tallies")
    kind = "archived, status, category, blocked"
    db.execute(f"insert into tallies select '', {kind}, count(*) from issues group by {kind}")
    db.execute(
        f"insert into tallies select label, {kind}, count(*) from labels join issues on issues.key = labels.issue"
        f" group by label, {kind}"
    )


def forget(db: Db, where: str, values: Iterable[object]) -> None:
    """Take out the entries that a condition finds, with their events, and count anew what their authors did."""
    values, before = list(values), read.event_count(db)
    actors = db.execute(f"select distinct actor from entries where {where}", values).fetchall()
    seqs = read.numbers(db.execute(f"select seq, events from entries where {where}", values).fetchall())
    db.executemany("delete from events where seq = ?", ((seq,) for seq in seqs))
    db.execute(f"delete from entries where {where}", values)
    db.executemany(_RECOUNT, [(row[0],) for row in actors])
    set_meta(db, "gaps", str(read.last_seq(db) - (before - len(seqs))))
