"""Queries as SQL: every value is bound, never spliced."""

import json
import re
from collections.abc import Container, Iterator, Sequence
from typing import Any

from git_tracker.errors import Invalid
from git_tracker.store.index import read, texts
from git_tracker.store.index.schema import Db
from git_tracker.store.query import Query, Term

_STALE = 14 * 86400  # seconds without a change after which open work counts as stale

Json = Any
Sql = tuple[str, list[object]]  # a where clause over `issues`, and the values to bind

# What the partial index of ready work holds, word for word: but for claims and days, it is what can be begun.
WORKABLE = "issues.category = 'todo' and issues.blocked = 0 and issues.archived = 0"


def condition(db: Db, query: Query, me: str, now_ms: int) -> Sql:
    """Return a where clause over `issues` and the values to bind."""
    groups, values = [], []
    for group in query.groups:
        parts = []
        for term in group:
            sql, bound = _term(db, term, me, now_ms)
            parts.append(f"not coalesce(({sql}), 0)" if term.negated else f"({sql})")
            values.extend(bound)
        groups.append(" and ".join(parts) or "1")
    archived = "issues.archived < 2" if query.asks_archived else "issues.archived = 0"
    return f"{archived} and ({' or '.join(f'({group})' for group in groups) or '0'})", values


def _term(db: Db, term: Term, me: str, now_ms: int) -> Sql:
    key, values = term.key, list(term.values)
    marks = ", ".join("?" * len(values))
    if key == "text":
        words = _match(values[0])
        return (
            f"issues.key in (select {texts.KEY} from texts where texts match ? union all select value from json_each(?))",
            [words, json.dumps(texts.matching(db, words))],
        )
    if key == "label":
        return f"issues.key in (select issue from labels where label in ({marks}))", [*values]
    if key in ("status", "type", "milestone"):
        return f"issues.{key} in ({marks})", [*values]
    if key == "id":
        return " or ".join("issues.id like ?" for _ in values), [f"{_hex(value)}%" for value in values]
    if key == "assignee":
        return _people("issues.assignee", values, me)
    if key == "author":
        sql, bound = _people("issues.author", values, me)
        more, again = _people("issues.person", values, me)
        return f"{sql} or {more}", [*bound, *again]
    if key == "agent":
        return f"issues.key in (select issue from entries where actor in ({marks}) and verdict = 'ok')", [*values]
    if key == "parent":
        if values == ["none"]:
            return "issues.parent is null", []
        return f"issues.parent in ({marks})", _ids(db, term)
    if key == "is":
        states = [_state(value, now_ms, term.elsewhere) for value in values]
        return " or ".join(f"({sql})" for sql, _ in states), [value for _, bound in states for value in bound]
    if key in ("created", "updated", "due", "priority"):
        return _range(term)
    ids = _ids(db, term)  # blocks:ID finds what blocks it
    return f"issues.key in (select issue from links where kind = ? and other in ({marks}))", [key, *ids]


def _ids(db: Db, term: Term) -> list[object]:
    return [value if term.compare == "whole" else read.resolve(db, value) for value in term.values]


def _people(column: str, values: list[str], me: str) -> Sql:
    named: list[object] = [me if value == "me" else value for value in values if value != "none"]
    parts = [f"{column} in ({', '.join('?' * len(named))})"] if named else []
    if "none" in values:
        parts.append(f"{column} is null")
    return " or ".join(parts), named


def _range(term: Term) -> Sql:
    column = f"issues.{term.key}"
    if term.compare == "in":
        return f"{column} in ({', '.join('?' * len(term.values))})", [int(value) for value in term.values]
    if term.compare == "on":
        return f"{column} >= ? and {column} < ?", [term.number, term.number + 86400]
    return f"{column} {term.compare} ?", [term.number]


def _state(name: str, now_ms: int, elsewhere: tuple[str, ...]) -> Sql:
    """`elsewhere` are ids of issues that an open one in another repository blocks."""
    now = now_ms // 1000
    blocked = f"(issues.blocked or issues.id in ({', '.join('?' * len(elsewhere))}))" if elsewhere else "issues.blocked"
    free = f" and issues.id not in ({', '.join('?' * len(elsewhere))})" if elsewhere else ""
    live = "issues.claim_actor is not null and issues.claim_until > ?"
    table: dict[str, Sql] = {
        "ready": (
            f"{WORKABLE}{free} and coalesce(issues.deferred, 0) <= ? and not coalesce({live}, 0)",
            [*elsewhere, now, now_ms],
        ),
        "blocked": (f"{blocked} and issues.category != 'done'", [*elsewhere]),
        "claimed": (live, [now_ms]),
        "conflicted": ("issues.conflicted", []),
        "stale": ("issues.category = 'active' and issues.updated < ?", [now - _STALE]),
        "overdue": ("issues.due < ? and issues.category != 'done'", [now]),
        "archived": ("issues.archived = 1", []),
        "open": ("issues.category != 'done'", []),
        "done": ("issues.category = 'done'", []),
        "imported": ("issues.origin is not null", []),
    }
    return table[name]


def _match(words: str) -> str:
    """Quote for FTS5: every word is a prefix, a phrase stays together; nothing in it is an operator."""
    return '"' + words.replace('"', '""') + '"' + ("" if " " in words else "*")


def _hex(text: str) -> str:
    if not text or text.strip("0123456789abcdef"):
        raise Invalid(f"{text!r} is no id", "an id is a string of hexadecimal digits")
    return text


def created(db: Db, ids: Sequence[str]) -> list[dict[str, Json]]:
    """Return of new issues what whoever made them may want to know: `{"issue", "short", "similar"}`."""
    titles = dict(
        db.execute(
            "select id, title from issues where id in (select value from json_each(?))", (json.dumps(ids),)
        ).fetchall()
    )
    unique = read.shorts(db, ids)
    return [{"issue": id, "short": unique[id], "similar": similar(db, titles[id], but=ids)} for id in ids]


def similar(db: Db, title: str, limit: int = 3, *, but: Container[str] = ()) -> list[str]:
    """Return ids of issues that are not done and share at least two thirds of the longer words of a title.

    Those that share most come first, of equals the newest; `but` are not asked for.
    """
    words = sorted({word for word in _WORD.findall(title.lower()) if len(word) > 3})[:12]
    if len(words) < 2:
        return []
    need = -(-len(words) * 2 // 3)
    near: list[tuple[int, str]] = []
    for id, found in _sharing_two(db, sorted(words, key=len, reverse=True)[: len(words) - need + 2]):
        shared = sum(word in found.lower() for word in words)
        if shared >= need and id not in but and (shared, id) not in near:
            near.append((shared, id))
            if sum(count == len(words) for count, _ in near) == limit:  # nothing can be nearer
                break
    return [id for _, id in sorted(near, key=lambda one: -one[0])[:limit]]


def _sharing_two(db: Db, telling: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield id and title of what is open and has two of these words: the longest of a title, so many that whoever
    shares enough of it has two of them. The newest first."""
    for id, title in db.execute(_OUTSTANDING):
        if len({*_WORD.findall(title.lower())}.intersection(telling)) > 1:
            yield id, title
    yield from db.execute(_PAIRED, (_pairs(telling), _CONSIDERED))


_WORD = re.compile(r"[^\W_]+")
_OPEN = "issues.category != 'done' and issues.archived = 0"
_OUTSTANDING = (
    f"select issues.id, issues.title from outstanding cross join issues on issues.key = outstanding.{texts.KEY}"
    f" where outstanding.{texts.IS_TITLE} and {_OPEN} order by issues.key desc"
)
# Not by FTS5's rank: that counts every title with any of the words, and one of them may stand everywhere. Words that all
# do are in a great many titles: then the newest have to do.
_PAIRED = (
    "select issues.id, issues.title from (select rowid from titles where titles match ? order by rowid desc limit ?) as found"
    f" cross join issues on issues.key = found.rowid where {_OPEN}"
)
_CONSIDERED = 500  # titles


def _pairs(words: Sequence[str]) -> str:
    """Return what FTS5 finds if it has two of these.

    A long word is mostly a rare one, and finding two together takes as long as the rarer one is frequent.
    """
    quoted = [f'"{word}"' for word in words]
    return " OR ".join(f"{word} AND ({' OR '.join(quoted[place:])})" for place, word in enumerate(quoted[:-1], 1))
