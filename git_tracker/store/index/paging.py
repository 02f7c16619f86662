"""One page of what a query finds, by the cheapest way there is: flat where the index keeps order and totals for it."""

import json
from collections.abc import Sequence
from typing import Any

from git_tracker.errors import EpochChanged, Invalid
from git_tracker.store.index import read, search
from git_tracker.store.index.schema import Db, Row
from git_tracker.store.index.search import Sql
from git_tracker.store.query import Query, Term

Json = Any
MAX_LIMIT = 200

_SORTS = {
    "updated": "issues.updated", "created": "issues.created", "priority": "issues.priority",
    "title": "issues.title", "status": "issues.status",
}  # fmt: skip
_COUNTED = ("open", "done", "archived", "blocked")  # states of an issue that tallies tell apart
_CARRIES = "exists (select 1 from labels where labels.issue = issues.key and labels.label = ?)"
_MANY = 200  # issues with a label: from here on it is cheaper to look whether each carries it than to gather them first
_DONE = " and issues.category = 'done'"  # known of the column, said for the index


class Page:
    """One page of rows: `next` is the cursor of the following page or None, `total` counts all pages."""

    def __init__(self, rows: list[Row], more: bool, total: int, epoch: str, order: str) -> None:
        self.rows, self.total = rows, total
        self._more, self._epoch, self._order = more, epoch, order

    @property
    def next(self) -> str | None:
        return self.after(len(self.rows))

    def after(self, count: int) -> str | None:
        """Return the cursor of what follows so many of the rows."""
        if not self._more and count == len(self.rows):
            return None
        return f"{self._epoch}.{self.rows[count - 1]['key']}.{self._order}"


def find(db: Db, query: Query, *, me: str, now_ms: int, limit: int, cursor: str = "") -> Page:
    """Return one page of what a query finds. `me` is the person behind `assignee:me`."""
    if not 0 < limit <= MAX_LIMIT:
        raise Invalid(f"a page holds 1 to {MAX_LIMIT} rows, not {limit}", "use the cursor in `next` for more")
    key, descending = _order(query)
    after = _start(db, cursor, key) if cursor else None
    if any(term.key == "text" for group in query.groups for term in group):
        bare = key == "updated" and all(term.key == "text" for group in query.groups for term in group)
        source = "issues indexed by issues_found" if bare else "issues not indexed"
        where = search.condition(db, query, me, now_ms)
        rows, total = _searched(db, source, where, (key, descending), after, limit + 1)
    else:
        rows = _ordered(db, query, me, now_ms, (key, descending), after, limit + 1)
        total = len(rows) if after is None and len(rows) <= limit else count(db, query, me, now_ms)
    return Page(rows[:limit], len(rows) > limit, total, read.epoch(db), key)


def first(db: Db, query: Query, *, me: str, now_ms: int) -> Row | None:
    """Return the first row of what a query finds; nothing is counted."""
    return next(iter(_ordered(db, query, me, now_ms, _order(query), None, 1)), None)


def _order(query: Query) -> tuple[str, bool]:
    ready = any(term.key == "is" and "ready" in term.values for group in query.groups for term in group)
    return query.sort or (("priority", False) if ready else ("updated", True))


def _start(db: Db, cursor: str, order: str) -> tuple[object, int]:
    epoch, _, rest = cursor.partition(".")
    key, _, sort = rest.partition(".")
    if "." not in cursor and "~" not in cursor:  # nor one of a workspace, which is of no epoch here
        raise Invalid("the cursor is not one of ours", "leave it out to begin with the first page")
    if epoch != read.epoch(db):
        raise EpochChanged(f"{read.epoch(db)}.0")
    if not key.isdecimal() or not key.isascii() or sort != order:
        raise Invalid("the cursor is not one of ours", "leave it out to begin with the first page")
    row = db.execute(f"select {_SORTS[sort]} from issues where key = ?", (int(key[:18]),)).fetchone()
    if row is None:
        raise Invalid("the cursor is not one of ours", "leave it out to begin with the first page")
    return row[0], int(key[:18])


def _ordered(
    db: Db, query: Query, me: str, now_ms: int, order: tuple[str, bool], after: tuple[object, int] | None, limit: int
) -> list[Row]:
    """Return rows in order, walking an index that has it; labels and ready work have one of their own."""
    (key, descending), source, number = order, "issues", "issues.key"
    column, by, given = _SORTS[key], list[str](), list[object]()
    label = _single(query, "label") if key == "updated" else None
    if label:
        source = "labels cross join issues on issues.key = labels.issue"
        column, number, query = "labels.updated", "labels.issue", _without(query, label)
        by, given = ["labels.label = ?"], [label.values[0]]
    elif key == "priority" and (ready := _single(query, "is")) and ready.values == ("ready",):
        source, label = "issues indexed by issues_ready", _single(query, "label")
        if label and _carrying(db, label.values[0]) > _MANY:
            query, by, given = _without(query, label), [_CARRIES], [label.values[0]]
    where, values = search.condition(db, query, me, now_ms)
    parts, bound = [*by, where], [*given, *values]
    if after:
        parts.append(f"({column}, {number}) {'<' if descending else '>'} (?, ?)")
        bound += after
    way = "desc" if descending else "asc"
    return db.execute(
        f"select {read.LISTED} from {source} where {' and '.join(parts)}"
        f" order by {column} {way}, {number} {way} limit ?", [*bound, limit],
    ).fetchall()  # fmt: skip


def _carrying(db: Db, label: str) -> int:
    """Return how many issues carry a label."""
    return int(db.execute("select coalesce(sum(n), 0) from tallies where label = ?", (label,)).fetchone()[0])


def _searched(
    db: Db, source: str, found: Sql, order: tuple[str, bool], after: tuple[object, int] | None, limit: int
) -> tuple[list[Row], int]:
    """Return rows and the total of a search for words: the words lead to the issues, once for both.

    Rows of issues are long, so that each is a page to read; the `source` may be an index that has all that is asked for.
    """
    (where, values), (key, descending) = found, order
    way = "desc" if descending else "asc"
    here = f"where (place, key) {'<' if descending else '>'} (?, ?)" if after else ""
    rows = db.execute(
        f"with found (key, place) as materialized (select issues.key, {_SORTS[key]} from {source} where {where})"
        f" select key, (select count(*) from found) from found {here} order by place {way}, key {way} limit ?",
        [*values, *(after or ()), limit],
    ).fetchall()
    whole = db.execute(
        f"select {read.LISTED} from json_each(?) as wanted cross join issues on issues.key = wanted.value order by wanted.key",
        (json.dumps([row[0] for row in rows]),),
    )
    return whole.fetchall(), rows[0][1] if rows else 0


def count(db: Db, query: Query, me: str, now_ms: int) -> int:
    """Return how many issues match: from the tallies where they tell, else by counting."""
    where, values = search.condition(db, query, me, now_ms)
    if not _is_tallied(query):
        return int(db.execute(f"select count(*) from issues where {where}", values).fetchone()[0])
    label, ready = _single(query, "label"), any(term.values == ("ready",) for term in query.groups[0])
    rest = _without(query, label) if label else query
    settled = rest._replace(groups=(tuple(term for term in rest.groups[0] if term.values != ("ready",)),))
    where, values = search.condition(db, settled, me, now_ms)
    if ready:
        where += f" and {search.WORKABLE}"
    name = label.values[0] if label else ""
    total = db.execute(
        f"select coalesce(sum(n), 0) from tallies as issues where issues.label = ? and {where}", [name, *values]
    ).fetchone()[0]
    return int(total) - (_not_now(db, name, where, values, now_ms) if ready else 0)


def _not_now(db: Db, label: str, where: str, values: list[object], now_ms: int) -> int:
    """Return how many issues that could be begun are claimed or deferred: few, and each found by its own index."""
    if label:
        where += f" and {_CARRIES}"
        values = [*values, label]
    claimed = "issues.claim_actor is not null and issues.claim_until > ?"
    return sum(
        int(db.execute(f"select count(*) from issues indexed by {index} where {by} and {where}", [*now, *values]).fetchone()[0])
        for index, by, now in (
            ("issues_claim", claimed, [now_ms]),
            (
                "issues_deferred",
                f"issues.deferred is not null and issues.deferred > ? and not coalesce({claimed}, 0)",
                [now_ms // 1000, now_ms],
            ),
        )
    )  # fmt: skip


def _is_tallied(query: Query) -> bool:
    if len(query.groups) != 1:
        return False
    group = query.groups[0]
    if any(term.elsewhere for term in group):
        return False  # what other repositories block is not counted here
    labels = [term for term in group if term.key == "label"]
    ready = [term for term in group if "ready" in term.values and term.key == "is"]
    return (
        len(labels) <= 1
        and len(ready) <= 1
        and all(not term.negated and len(term.values) == 1 for term in (*labels, *ready))
        and all(
            term.key in ("status", "label") or (term.key == "is" and {*term.values} <= {*_COUNTED, "ready"})
            for term in group
        )
    )


def _is_plain(query: Query) -> bool:
    return _is_tallied(query) and not any(term.key == "label" or "ready" in term.values for term in query.groups[0])


def _single(query: Query, key: str) -> Term | None:
    """Return the first term that asks for one value of a key and for nothing else of it, in a query without OR."""
    if len(query.groups) != 1:
        return None
    terms = (term for term in query.groups[0] if term.key == key and not term.negated and len(term.values) == 1)
    return next(terms, None)


def _without(query: Query, term: Term) -> Query:
    group = list(query.groups[0])
    group.remove(term)
    return query._replace(groups=(tuple(group),))


def board(db: Db, query: Query, statuses: Sequence[tuple[str, str]], me: str, now_ms: int, limit: int) -> Json:
    """Return one column for each (status, category), and for statuses that other workflows brought."""
    where, values = search.condition(db, query, me, now_ms)
    source, number = (
        ("tallies as issues where issues.label = '' and", "sum(n)")
        if _is_plain(query)
        else ("issues where", "count(*)")
    )
    found = db.execute(
        f"select status, category, {number} as n from {source} {where} group by status having n > 0", values
    ).fetchall()
    counts = {row["status"]: row["n"] for row in found}
    foreign = [(row["status"], row["category"]) for row in found if row["status"] not in dict(statuses)]
    columns = []
    for status, category in [*statuses, *foreign]:
        done = category == "done"
        order = "issues.updated desc, issues.key desc" if done else "issues.priority, issues.created, issues.key"
        cards = db.execute(
            f"select {read.LISTED} from issues where {where} and issues.status = ?{_DONE if done else ''} order by {order} limit ?",
            [*values, status, limit],
        ).fetchall()
        columns.append({
            "status": status, "category": category, "title": status.replace("-", " ").capitalize(),
            "total": counts.get(status, 0), "items": read.rows(db, cards, now_ms),
        })  # fmt: skip
    return {"columns": columns, "cursor": read.cursor(db)}
