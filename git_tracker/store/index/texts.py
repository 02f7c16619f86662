"""The texts that search looks into: titles, descriptions and comments, indexed many at a time.

One by one they would be most of what a write costs. What changed lately is outstanding: a search looks into those few
by themselves, word for word as the index would, and the write that makes them too many has them all indexed.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from git_tracker.store.index.aside import open_aside
from git_tracker.store.index.schema import Db

if TYPE_CHECKING:  # readers do without
    from git_tracker.store.state import State

Note = Mapping[str, Any]

_BITS = 24  # a text has the number of its issue in the bits above these, so that a search need not ask for it
KEY = f"rowid >> {_BITS}"  # the number of the issue of a text that was found
_PLACE = (1 << _BITS) - 1  # the bits of a text's place in its issue
_TITLE, _DESCRIPTION = 1, 2  # what the number of a text ends with; that of a comment with its own after these
IS_TITLE = f"rowid & {_PLACE} = {_TITLE}"
_MOST = 32  # texts outstanding
_LONG = 4096  # characters: to look into such a text again and again is dearer than to index it at once

_SAID = f"""
select id, coalesce(case part
    when 'title' then (select title from issues where key = outstanding.id >> {_BITS})
    when 'description' then (
        select json_extract(state, '$.texts.description') from issues where key = outstanding.id >> {_BITS} and state != ''
    )
    else (
        select body from comments
        where issue = outstanding.id >> {_BITS} and comments.part = outstanding.part and not json_extract(note, '$.redacted')
    )
end, '') from outstanding
"""


def of(key: int, title: str, folded: "State") -> Iterator[tuple[int, str]]:
    """Yield the texts of an issue, each with its number; comments are numbered in their order."""
    said = (title, folded.texts.get("description", ""), *map(_said, folded.comments.values()))
    return ((_number(key, place), text) for place, text in enumerate(said, _TITLE) if text)


def _said(note: Note) -> str:
    return "" if note["redacted"] else str(note["body"])


def _number(key: int, place: int) -> int:
    return (key << _BITS) + place


def noted(body: str, rest: str) -> dict[str, Any]:
    """Return the comment that text and rest make, as the index keeps them."""
    note: dict[str, Any] = json.loads(rest)
    return note | {"body": body}


class Changes:
    """What a write changes of the texts of one issue; `flush` is for when the rows they stand in are written."""

    def __init__(self, db: Db, key: int) -> None:
        self._db, self._key, self._long, self._any = db, key, False, False

    def title(self, before: str, now: str) -> None:
        self._put(_TITLE, "title", before, now)

    def description(self, before: str, now: str) -> None:
        self._put(_DESCRIPTION, "description", before, now)

    def comment(self, number: int, part: str, before: Note | None, now: Note | None) -> None:
        """Take the n-th comment, as it was and as it is."""
        self._put(_DESCRIPTION + number, part, _said(before) if before else "", _said(now) if now else "")

    def flush(self) -> None:
        """Index what is outstanding, if that is too much now."""
        if self._long or (self._any and _outstanding(self._db) > _MOST):
            gather(self._db)

    def _put(self, place: int, part: str, before: str, now: str) -> None:
        if before == now:
            return
        id = _number(self._key, place)
        if before and not self._db.execute("delete from outstanding where id = ?", (id,)).rowcount:
            # Without what it said nothing tells in which words the text is to be found.
            self._db.execute("insert into texts (texts, rowid, body) values ('delete', ?, ?)", (id, before))
            if place == _TITLE:
                self._db.execute(
                    "insert into titles (titles, rowid, body) values ('delete', ?, ?)", (self._key, before)
                )
        if now:
            self._db.execute("insert into outstanding values (?, ?)", (id, part))
            self._any, self._long = True, self._long or len(now) > _LONG


def forget(db: Db, key: int) -> None:
    """Forget the texts of an issue, before the rows they stand in are gone."""
    changes = Changes(db, key)
    changes.title(db.execute("select title from issues where key = ?", (key,)).fetchone()[0], "")
    forget_description(db, key)
    stored = "select part, number, body, note from comments where issue = ?"
    for part, number, *was in db.execute(stored, (key,)).fetchall():
        changes.comment(number, part, noted(*was), None)


def forget_description(db: Db, key: int) -> None:
    """Forget the description of an issue, before its state is gone."""
    state = db.execute("select state from issues where key = ?", (key,)).fetchone()[0]
    Changes(db, key).description(description(state), "")


def description(state: str) -> str:
    """Return the description that a state, as the index keeps it, has."""
    return str(json.loads(state)["texts"].get("description", "")) if state else ""


def _outstanding(db: Db) -> int:
    return int(db.execute("select count(*) from outstanding").fetchone()[0])


def gather(db: Db) -> None:
    """Index what is outstanding."""
    said = db.execute(_SAID).fetchall()
    db.executemany("insert into texts (rowid, body) values (?, ?)", said)
    titles = [(id >> _BITS, text) for id, text in said if id & _PLACE == _TITLE]
    db.executemany("insert into titles (rowid, body) values (?, ?)", titles)
    db.execute("delete from outstanding")


def gather_roughly(db: Db) -> None:
    """Index a great many texts from now on: with more memory, and without tidying up while they come in."""
    _configure(db, hashsize=32_000_000, automerge=0)


def gather_evenly(db: Db) -> None:
    """Index texts as they change from now on, as FTS5 does by itself (sqlite.org/fts5.html, 6)."""
    _configure(db, hashsize=1_048_576, automerge=4)


def _configure(db: Db, **settings: int) -> None:
    db.executemany("insert into texts (texts, rank) values (?, ?)", settings.items())


def gather_titles(db: Db) -> None:
    """Index all titles, of an index that was made without them."""
    db.execute("insert into titles (rowid, body) select key, title from issues where title != '' order by key")


def matching(db: Db, expression: str) -> list[int]:
    """Return the keys of issues with a text outstanding that an expression finds."""
    words = re.findall("[a-z0-9]+", expression.lower()) if expression.isascii() else []
    said = dict(db.execute(_SAID).fetchall())
    wanted = {id: text for id, text in said.items() if _may_hold(text, words)}
    if not wanted:
        return []
    if db.aside is None:
        db.aside = open_aside()
    db.aside.hold(wanted | {id: said[id] for id in db.aside.texts.keys() & said.keys()})
    return [row[0] for row in db.aside.execute(f"select {KEY} from texts where texts match ?", (expression,))]


def _may_hold(text: str, words: Sequence[str]) -> bool:
    """Return False where the tokenizer could not find any of these words: of ASCII it sees letters and digits alone."""
    return not words or not text.isascii() or any(word in text.lower() for word in words)
