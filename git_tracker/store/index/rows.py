"""Rows of the index that are read only when somebody asks: the comments of an issue, and what is known of its entries."""

from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from typing import Any

from git_tracker.store.chains import Chains, Link
from git_tracker.store.index.derive import comment
from git_tracker.store.index.read import OWN, PUBKEY
from git_tracker.store.index.schema import Db
from git_tracker.store.index.texts import Changes, noted
from git_tracker.store.trust import Touched
from git_tracker.store.verdicts import About


class Comments(MutableMapping[str, dict[str, Any]]):
    """The comments of one issue, read when asked for and written back by `flush`: an append loads none of them."""

    def __init__(self, db: Db, issue: int) -> None:
        self._db, self._issue = db, issue
        self._changed: dict[str, dict[str, Any]] = {}

    def __getitem__(self, part: str) -> dict[str, Any]:
        if part in self._changed:
            return self._changed[part]
        one = "select body, note from comments where issue = ? and part = ?"
        row = self._db.execute(one, (self._issue, part)).fetchone()
        if row is None:
            raise KeyError(part)
        return noted(*row)

    def __setitem__(self, part: str, note: dict[str, Any]) -> None:
        self._changed[part] = note

    def __delitem__(self, part: str) -> None:
        raise TypeError("comments are redacted, never removed")

    def __iter__(self) -> Iterator[str]:
        rows = self._db.execute("select part from comments where issue = ?", (self._issue,)).fetchall()
        stored = [str(row[0]) for row in rows]
        yield from stored
        yield from (part for part in self._changed if part not in stored)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    @property
    def changed(self) -> dict[str, dict[str, Any]]:
        return self._changed


def put_comments(db: Db, key: int, comments: Mapping[str, Any], count: int, changes: Changes) -> int:
    """Write the comments that changed; return how many more there are now. `count` is how many there were."""
    before = count
    changed = comments.changed if isinstance(comments, Comments) else comments
    if count and not isinstance(comments, Comments):  # folded anew: some may be gone, and numbers have no gaps
        stored = db.execute("select part, number, body, note from comments where issue = ?", (key,)).fetchall()
        if {row[0] for row in stored} - changed.keys():
            db.execute("delete from comments where issue = ?", (key,))
            for part, number, *was in stored:
                changes.comment(number, part, noted(*was), None)
            count = 0
    for part, note in changed.items():
        row, new = comment(note), "insert or ignore into comments values (?, ?, ?, ?, ?, ?)"
        if db.execute(new, (key, part, count + 1, *row)).rowcount:
            count += 1
            changes.comment(count, part, None, note)
            continue
        number, *was = db.execute(
            "select number, body, note from comments where issue = ? and part = ?", (key, part)
        ).fetchone()
        if (*was,) != row[1:]:
            now = "update comments set place = ?, body = ?, note = ? where issue = ? and part = ?"
            db.execute(now, (*row, key, part))
            changes.comment(number, part, noted(*was), note)
    return count - before


class Known(MutableMapping[str, About]):
    """What is known of the entries of one issue, asked for one by one."""

    def __init__(self, db: Db, issue: int) -> None:
        self._db, self._issue, self._new = db, issue, dict[str, About]()

    def __getitem__(self, id: str) -> About:
        if id in self._new:
            return self._new[id]
        row = self._db.execute(
            "select verdict, ms, count, rooted, partial, heads from entries join auths on auths.key = entries.auth"
            " where id = ? and issue = ?",
            (id, self._issue),
        ).fetchone()
        if row is None:
            raise KeyError(id)
        found = About(row[0], (row[1], row[2]), bool(row[3]), bool(row[4]), tuple(row[5].split()))
        self._new[id] = found
        return found

    def __setitem__(self, id: str, about: About) -> None:
        self._new[id] = about

    def __delitem__(self, id: str) -> None:
        del self._new[id]

    def __iter__(self) -> Iterator[str]:
        rows = self._db.execute("select id from entries where issue = ?", (self._issue,)).fetchall()
        yield from {row[0] for row in rows} | self._new.keys()

    def __len__(self) -> int:
        return sum(1 for _ in self)


_LINK = "select id, n, prev, heads from entries join auths on auths.key = entries.auth where"


def chains(db: Db) -> Chains:
    """Return the chains of everything the index holds."""

    def stored(chain: str) -> Iterator[Link]:
        for row in db.execute(f"{_LINK} chain = {PUBKEY}", (chain,)):
            yield Link(row[0], row[1], row[2], tuple(row[3].split()))

    def find(id: str) -> Link | None:
        row = db.execute(f"{_LINK} id = ?", (id,)).fetchone()
        return Link(row[0], row[1], row[2], tuple(row[3].split())) if row else None

    return Chains(stored, find)


def chain_end(db: Db, chain: str) -> tuple[int, str] | None:
    """Return number and id of the last entry of a key's chain."""
    row = db.execute(
        f"select n, id from entries where chain = {PUBKEY} order by n desc, number desc limit 1", (chain,)
    ).fetchone()
    return (row[0], row[1]) if row else None


def last_after(db: Db, chain: str, n: int, id: str) -> tuple[int, str]:
    """Follow a chain from one of its entries: a write may have ended before it was noted here."""
    while row := db.execute(
        f"select id from entries where chain = {PUBKEY} and n = ? and prev = ? limit 1", (chain, n + 1, id)
    ).fetchone():
        n, id = n + 1, row[0]
    return n, id


def created_under(db: Db, issue: int) -> str | None:
    """Return the issue under which one was created."""
    row = db.execute(
        "select json_extract(body, '$.issue') from issues cross join entries cross join events"
        " where issues.key = ? and entries.id = issues.id and entries.issue = issues.key"
        f" and {OWN} and events.type = 'link-added' and json_extract(body, '$.kind') = 'parent'",
        (issue,),
    ).fetchone()
    return str(row[0]) if row else None


_ISSUE = "select distinct issues.id from entries join issues on issues.key = entries.issue where entries.chain != 0"


def touched(db: Db, by: Touched | None) -> set[str]:
    """Return the issues with an entry whose verdict a change of the trust log may change; None may change any."""
    if by is None:
        return {row[0] for row in db.execute(_ISSUE)}
    found = {row[0] for row in db.execute(f"{_ISSUE} and verdict = 'waiting' and verdict != 'ok'")}
    named = ((f"issuer = {PUBKEY}", by.issuers), ("actor = ?", by.sessions), ("entries.id = ?", by.entries))
    for such, values in named:
        for value in values:
            found |= {row[0] for row in db.execute(f"{_ISSUE} and {such}", (value,))}
    return found


def followed(db: Db, links: Iterable[tuple[str, Link]], saw: Callable[..., bool]) -> set[str]:
    """Return the issues with an entry that was admitted before the one ahead of it in its chain, now among `links`.

    Only where it had not seen the trust heads that that one cites: for all others nothing follows from it.
    """
    after = (
        "select distinct issues.id, heads from entries join issues on issues.key = entries.issue"
        f" join auths on auths.key = entries.auth where chain = {PUBKEY} and n = ? and prev = ?"
        " and not exists (select 1 from entries where id = ?)"
    )
    return {
        row[0]
        for chain, link in links
        for row in db.execute(after, (chain, link.n + 1, link.id, link.id))
        if not saw(row[1].split(), *link.auth)
    }


def unfinished(db: Db, reason: str) -> set[str]:
    """Return the issues with an entry that waits for a given reason."""
    return {
        row[0] for row in db.execute(f"{_ISSUE} and verdict = 'waiting' and verdict != 'ok' and reason = ?", (reason,))
    }
