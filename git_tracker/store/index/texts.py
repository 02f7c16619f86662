"""The texts that search looks into: titles, descriptions and comments, indexed many at a time.

One by one they would be most of what a write costs. What changed lately is outstanding: a search looks into those few
by themselves, word for word as the index would, and the write that makes them too many has them all indexed.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from git_tracker.store.index.schema import Db, open_aside
from git_tracker.store.state import State

_BITS = 24  # a text has the number of its issue in the bits above these, so that a search need not ask for it
KEY = f"rowid >> {_BITS}"  # the number of the issue of a text that was found
IS_TITLE = f"rowid & {(1 << _BITS) - 1} = 1"
_TITLE, _DESCRIPTION = 1, 2  # what the number of a text ends with; that of a comment with its own after these
_MOST = 32  # texts outstanding
_LONG = 4096  # characters: to look into such a text again and again is dearer than to index it at once

_SAID = f"""
select id, case part
    when 'title' then (select title from issues where key = outstanding.id >> {_BITS})
    when 'description' then (
        select json_extract(state, '$.texts.description') from issues where key = outstanding.id >> {_BITS} and state != ''
    )
    else (
        select json_extract(body, '$.body') from comments
        where issue = outstanding.id >> {_BITS} and comments.part = outstanding.part and not json_extract(body, '$.redacted')
    )
end from outstanding
"""


def of(key: int, title: str, folded: State) -> Iterator[tuple[int, str]]:
    """Yield the texts of an issue, each with its number; comments are numbered in their order."""
    said = (title, folded.texts.get("description", ""), *map(_said, folded.comments.values()))
    return ((_number(key, place), text) for place, text in enumerate(said, _TITLE) if text)


def _said(note: Mapping[str, Any]) -> str:
    return "" if note["redacted"] else str(note["body"])


def _number(key: int, place: int) -> int:
    return (key << _BITS) + place


class Changes:
    """What a write changed of the texts of one issue; `flush` is for when the rows they stand in are written."""

    def __init__(self, db: Db, key: int) -> None:
        self._db, self._key, self._long, self._any = db, key, False, False

    def title(self, now: str, *, new: bool) -> None:
        self._put(_TITLE, "title", now, new)

    def description(self, now: str, *, new: bool) -> None:
        self._put(_DESCRIPTION, "description", now, new)

    def comment(self, number: int, part: str, note: Mapping[str, Any], *, new: bool) -> None:
        """Take the n-th comment; `new` where search cannot know of it."""
        self._put(_DESCRIPTION + number, part, _said(note), new)

    def no_comments(self) -> None:
        """Forget all comments."""
        _forget(self._db, _number(self._key, _DESCRIPTION + 1), _number(self._key + 1, 0))

    def flush(self) -> None:
        """Index what is outstanding, if that is too much now."""
        if self._long or (self._any and _outstanding(self._db) > _MOST):
            gather(self._db)

    def _put(self, place: int, part: str, text: str, new: bool) -> None:
        id = _number(self._key, place)
        if not new:
            _forget(self._db, id, id + 1)
        if text:
            self._db.execute("insert into outstanding values (?, ?)", (id, part))
            self._any, self._long = True, self._long or len(text) > _LONG


def forget(db: Db, key: int) -> None:
    """Forget the texts of an issue."""
    _forget(db, _number(key, 0), _number(key + 1, 0))


def _forget(db: Db, start: int, end: int) -> None:
    for row in db.execute("select rowid from texts where rowid >= ? and rowid < ?", (start, end)).fetchall():
        db.execute("delete from texts where rowid = ?", (row[0],))
    db.execute("delete from outstanding where id >= ? and id < ?", (start, end))


def _outstanding(db: Db) -> int:
    return int(db.execute("select count(*) from outstanding").fetchone()[0])


def gather(db: Db) -> None:
    """Index what is outstanding."""
    db.executemany("insert into texts (rowid, body) values (?, ?)", db.execute(_SAID).fetchall())
    db.execute("delete from outstanding")


def matching(db: Db, words: str) -> list[tuple[int, bool]]:
    """Return what an expression finds among the texts outstanding: the issue's key, and whether it is its title."""
    said = db.execute(_SAID).fetchall()
    if not said:
        return []
    aside = open_aside()
    try:
        aside.executemany("insert into texts (rowid, body) values (?, ?)", said)
        found = aside.execute(f"select {KEY}, {IS_TITLE} from texts where texts match ?", (words,))
        return [(row[0], bool(row[1])) for row in found]
    finally:
        aside.close()
