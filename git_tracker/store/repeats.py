"""Request keys: a request that comes twice is written once and answered the same."""

import hashlib
from collections.abc import Sequence
from typing import Any

from git_tracker.errors import Invalid
from git_tracker.store import canonical
from git_tracker.store.index import read
from git_tracker.store.index.schema import Db


def key(rk: str, request: Sequence[Any]) -> str:
    """Return what an entry stores of a request key: the key and a digest of what was asked for."""
    if not rk:
        return ""
    if len(rk) > 128 or not rk.isascii() or not rk.isprintable() or " " in rk or "#" in rk:
        raise Invalid("a request key is up to 128 printable ASCII characters without blanks and #")
    digest = hashlib.sha256(canonical.dumps(list(request)).encode()).hexdigest()[:16]
    return f"{rk}#{digest}"


def written(db: Db, issuer: bytes, rk: str, key: str) -> list[tuple[str, bool]]:
    """Return the issues that this very request wrote to before, in its order, and which of them it created.

    Raise `Invalid` if the key stood for another request.
    """
    if not rk:
        return []
    rows = db.execute(
        "select entries.rk, issues.id, entries.id = issues.id from entries join issues on issues.key = entries.issue"
        f" where entries.issuer = {read.PUBKEY} and entries.rk >= ? and entries.rk < ? order by entries.n",
        (issuer.hex(), f"{rk}#", f"{rk}$"),
    ).fetchall()
    if any(row[0] != key for row in rows):
        raise Invalid(
            f"the request key {rk!r} was used for another request", "use a new key for a new request", code="rk_reused"
        )
    return [(row[1], bool(row[2])) for row in rows]
