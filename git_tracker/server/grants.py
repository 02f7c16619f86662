"""Bearer tokens for agents: each stands for sessions with one scope, until a time.

The token is no signing key: the server makes the session's key in memory when the token is first used.
"""

import os
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from git_tracker.store import Digests


class Grant(NamedTuple):
    """What a token allows: sessions called `name`, with a scope, until seconds since 1970."""

    name: str
    scope: Mapping[str, Any]
    until: int


class Grants:
    """The grants of one repository; a running server sees new ones at once."""

    def __init__(self, home: str, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._kept = Digests(os.path.join(home, "grants.json"), self._holds)

    def make(self, name: str, scope: Mapping[str, Any], seconds: int) -> str:
        """Return a new token. It is shown once; only its digest is kept."""
        token = secrets.token_urlsafe(24)
        self._kept.keep(token, Grant(name, scope, int(self._clock()) + seconds))
        return token

    def of(self, token: str) -> Grant | None:
        """Return what a token allows now, or None."""
        found = self._kept.find(token)
        return Grant(*found) if found else None

    def all(self) -> list[Grant]:
        """Return the grants that still hold."""
        return [Grant(*found) for found in self._kept.all()]

    def _holds(self, value: Any) -> bool:
        if not isinstance(value, list) or len(value) != len(Grant._fields) or not isinstance(value[-1], int):
            return False
        return value[-1] > self._clock()
