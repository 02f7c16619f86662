"""What governing asks of the index: chains that somebody wrote, sessions, muted entries."""

from collections.abc import Callable, Iterable
from typing import Any

from git_tracker.errors import Ambiguous, NotFound
from git_tracker.store import sshwire
from git_tracker.store.identity import is_session_of, session_id
from git_tracker.store.index import people, read
from git_tracker.store.index.schema import Db
from git_tracker.store.membership import Seen

Json = Any


def chains_of(db: Db, key: bytes) -> list[Seen]:
    """Return the end of every chain written by a person's key or by a session that it issued."""
    return _ends(db, f"issuer = {read.PUBKEY}", key.hex())


def chains_of_session(db: Db, sid: str) -> list[Seen]:
    """Return the end of every chain of a session."""
    return _ends(db, "chain in (select chain from entries where actor = ?)", sid)


def _ends(db: Db, where: str, value: str) -> list[Seen]:
    """Return the entries that no other follows in its chain: one for each chain, more for one that was forked."""
    rows = db.execute(
        f"select distinct hex, n, id from entries as e join pubkeys on pubkeys.key = chain where {where} and not exists"
        " (select 1 from entries as next where next.chain = e.chain and next.n > e.n and next.prev = e.id)",
        (value,),
    )
    return [Seen(row[0], row[1], row[2]) for row in rows]


def new_session(db: Db, issuer: bytes, entropy: Callable[[int], bytes]) -> str:
    """Return the id of a session of a person's key that nobody had before."""
    while True:
        sid = session_id(issuer, entropy(3))
        if db.execute("select 1 from actors where id = ?", (sid,)).fetchone() is None:
            return sid


def session(db: Db, name: str, issuers: Iterable[bytes]) -> tuple[str, bytes]:
    """Return the session id and the issuer's key behind an agent's id, prefix or name.

    One that never wrote here is known by its full id alone, which says by whose key of `issuers` it is.
    """
    for key in issuers:
        if is_session_of(key, name):
            return name, key
    id = people.actor(db, name)
    row = db.execute("select session from actors where id = ? and session != ''", (id,)).fetchone()
    if row is None:
        raise NotFound(f"{name} is no agent session", "`tracker trust sessions` shows the sessions")
    own = "select hex from entries join pubkeys on pubkeys.key = issuer where actor = ? limit 1"
    issuer = db.execute(own, (id,)).fetchone()
    return str(row[0]), bytes.fromhex(issuer[0])


def muted(db: Db, prefix: str) -> str:
    """Return the id of an entry that was not allowed, by a prefix of at least 7 digits."""
    rows = db.execute(
        "select distinct id from entries where verdict != 'ok' and verdict = 'muted' and length(?) >= 7 and substr(id, 1, length(?)) = ?",
        (prefix, prefix, prefix),
    ).fetchall()
    if not rows:
        raise NotFound(f"no muted entry {prefix}", kind="quarantined")
    if len(rows) > 1:
        raise Ambiguous(f"{prefix} names {len(rows)} entries", "give more digits")
    return str(rows[0][0])


def revoked(db: Db, sessions: Iterable[tuple[str, str]]) -> list[dict[str, Json]]:
    """Return the keys that revoked sessions signed with, one for each certificate.

    A session is named by its id and the fingerprint of its issuer's key.
    """
    rows = (
        "select distinct own.hex, theirs.hex from entries join actors on actors.id = entries.actor"
        " join pubkeys as own on own.key = chain join pubkeys as theirs on theirs.key = entries.issuer"
        " where actors.session = ? order by own.hex"
    )
    return [
        {"sid": sid, "key": key, "person_key": issuer}
        for sid, person in sorted(sessions)
        for key, issuer in db.execute(rows, (sid,))
        if sshwire.fingerprint(bytes.fromhex(issuer)) == person
    ]
