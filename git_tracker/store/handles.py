"""Handles of agent sessions: what lets another process take a session up again, under a new key and certificate.

A session's key never leaves the memory of the process that made it. Its handle is a secret that the agent keeps; here
stands only the digest, with what the session was allowed.
"""

import os
import secrets
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from git_tracker.store.canonical import Json
from git_tracker.store.digests import Digests

_KEPT_SECONDS = 30 * 86400


class Rested(NamedTuple):
    """A session as its handle recalls it. `issuer` is the person's key in hexadecimal, `owner` the token's name."""

    sid: str
    issuer: str
    client: str
    label: str
    scope: dict[str, Json]
    owner: str
    since: int


class Handles:
    """The handles that were given out in one repository."""

    def __init__(self, home: str, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._kept = Digests(os.path.join(home, "handles.json"), self._holds)

    def make(self, session: Rested) -> str:
        """Return a new handle for a session; `since` is set to now."""
        handle = secrets.token_urlsafe(16)
        self._kept.keep(handle, session._replace(since=int(self._clock())))
        return handle

    def find(self, handle: str) -> Rested | None:
        """Return the session behind a handle, or None."""
        found = self._kept.find(handle)
        return Rested(*found) if found else None

    def _holds(self, value: Any) -> bool:
        if not isinstance(value, list) or len(value) != len(Rested._fields) or not isinstance(value[-1], int):
            return False
        return value[-1] + _KEPT_SECONDS > self._clock()
