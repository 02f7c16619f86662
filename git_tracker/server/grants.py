"""Bearer tokens for agents: each stands for sessions with one scope, until a time. Kept as digests, 0600.

The token is no signing key: the server makes the session's key in memory when the token is first used.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple


class Grant(NamedTuple):
    """What a token allows: sessions called `name`, with a scope, until seconds since 1970."""

    name: str
    scope: Mapping[str, Any]
    until: int


class Grants:
    """The grants of one repository; a running server sees new ones at once."""

    def __init__(self, home: str, clock: Callable[[], float] = time.time) -> None:
        self._path, self._clock = os.path.join(home, "grants.json"), clock

    def make(self, name: str, scope: Mapping[str, Any], seconds: int) -> str:
        """Return a new token. It is shown once; only its digest is kept."""
        token = secrets.token_urlsafe(24)
        with self._changing() as known:
            known[_digest(token)] = Grant(name, scope, int(self._clock()) + seconds)
        return token

    def of(self, token: str) -> Grant | None:
        """Return what a token allows now, or None."""
        found = self._read().get(_digest(token))
        return found if found and found.until > self._clock() else None

    def all(self) -> list[Grant]:
        """Return the grants that still hold."""
        return [grant for grant in self._read().values() if grant.until > self._clock()]

    def _read(self) -> dict[str, Grant]:
        try:
            with os.fdopen(os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW), encoding="utf-8") as file:
                return {digest: Grant(*grant) for digest, grant in json.load(file).items()}
        except (OSError, ValueError, TypeError):
            return {}

    @contextlib.contextmanager
    def _changing(self) -> Iterator[dict[str, Grant]]:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
        with os.fdopen(os.open(f"{self._path}.lock", flags, 0o600), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            known = {digest: grant for digest, grant in self._read().items() if grant.until > self._clock()}
            yield known
            new = f"{self._path}.new"
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "w") as file:
                json.dump(known, file)
            os.replace(new, self._path)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
