"""Which agent is calling? Sessions of agents, each with a key of its own that lives in memory only.

The modern protocol has no sessions, so the order is: the handle that `session_start` gave out; the token together with
a legacy `Mcp-Session-Id`; the token's own session; on stdio the process. Where two sessions share an origin, a call
without a handle is refused rather than guessed.
"""

import secrets
import threading
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from git_tracker.errors import Refused, Unauthorized
from git_tracker.store import Handles, Rested, Signer, Tracker, narrowed

HANDLE = "git-tracker/session"  # the key in a request's `_meta`
_RENEW_BEFORE = 300  # seconds before a certificate ends at which a new one is made
_MOST = 10_000


class Caller(NamedTuple):
    """Where a call comes from: `origin` names the connection, `person` the signer behind it (None: may only read)."""

    origin: str
    client: str
    person: Signer | None
    handle: str = ""
    scope: Mapping[str, Any] = MappingProxyType({})  # what its token allows
    name: str = ""  # what its token calls it
    alone: bool = True  # whether the origin is one client's own: a process or a connection, not just a token

    @property
    def owner(self) -> tuple[str, str]:
        """Whose a session is: the person's key, and the token where it is an agent's."""
        return self.person.identity.key.hex() if self.person else "", self.name


class Session:
    """One agent at work."""

    def __init__(
        self, handle: str, caller: Caller, name: str, signer: Signer, scope: Mapping[str, Any], *, asked: bool
    ) -> None:
        self.handle = handle
        self.caller, self.name, self.signer, self.scope = caller, name, signer, scope
        self.asked = asked  # by session_start; else it was opened for a call that named none

    @property
    def id(self) -> str:
        return self.signer.sid


class Sessions:
    """All agent sessions of this process. `scope` is what any of them may do at most, for `valid_seconds`."""

    def __init__(
        self, store: Tracker, scope: Mapping[str, Any], valid_seconds: int, clock: Callable[[], float] = time.time
    ) -> None:
        self._store, self._scope, self._valid, self._clock = store, scope, valid_seconds, clock
        self._handles = Handles(store.home, clock)
        self._lock = threading.Lock()
        self._by_handle: dict[str, Session] = {}
        self._by_origin: dict[str, list[Session]] = {}

    def start(self, caller: Caller, name: str, purpose: str = "", scope: Mapping[str, Any] | None = None) -> Session:
        """Open a session with a key and a certificate of its own; a scope can only narrow what the caller has."""
        with self._lock:
            return self._open(caller, name, purpose, scope or {}, asked=True)

    def _open(self, caller: Caller, name: str, purpose: str, scope: Mapping[str, Any], *, asked: bool) -> Session:
        if len(self._by_handle) >= _MOST:
            raise Refused("too many sessions are open in this process", "use the session you have")
        person = _person(caller)
        label = " ".join(f"{name}: {purpose}".split() if purpose else name.split())[:120] or caller.client or "agent"
        allowed = narrowed(narrowed(self._scope, caller.scope), scope)
        signer = self._store.delegate(
            person, client=caller.client, label=label, scope=allowed, valid_seconds=self._valid
        )
        key, owner = caller.owner
        rested = Rested(signer.sid, key, caller.client, label, dict(allowed), owner, 0)
        # A session that nobody was told of is nobody's to take up again.
        handle = self._handles.make(rested) if asked else secrets.token_urlsafe(16)
        return self._added(Session(handle, caller, label, signer, allowed, asked=asked))

    def _added(self, session: Session) -> Session:
        caller = session.caller
        self._by_handle[session.handle] = session
        self._by_origin.setdefault(caller.origin, []).append(session)
        return session

    def of(self, caller: Caller) -> Session:
        """Return the session behind a call, opening the origin's own one if it is the first."""
        _person(caller)
        with self._lock:
            if caller.handle:
                return self._current(self._named(caller))
            own = self._by_origin.get(caller.origin, [])
            if len(own) > 1 or (own and own[0].asked and not caller.alone):
                raise Refused(
                    "several agents may share this connection, and the call does not say which one it is",
                    "pass the handle that session_start returned as `session`",
                    code="session_needed",
                )
            if own:
                return self._current(own[0])
            name = caller.name or caller.client.partition("/")[0] or "agent"
            return self._open(caller, name, "", {}, asked=False)

    def knows(self, handle: str) -> bool:
        """Return whether a handle names a session, of this process or of one that ended."""
        return handle in self._by_handle or self._handles.find(handle) is not None

    def _named(self, caller: Caller) -> Session:
        session = self._by_handle.get(caller.handle) or self._resumed(caller)
        if session is None or session.caller.owner != caller.owner:
            raise Refused(
                "no session has this handle", "call session_start and pass what it returns", code="no_session"
            )
        return session

    def _resumed(self, caller: Caller) -> Session | None:
        """Take up a session that rests because its process ended: the same id, under a new key and certificate."""
        found = self._handles.find(caller.handle)
        if found is None or (found.issuer, found.owner) != caller.owner:
            return None
        allowed = narrowed(narrowed(self._scope, caller.scope), found.scope)
        signer = self._store.delegate(
            _person(caller), client=caller.client or found.client, label=found.label, sid=found.sid, scope=allowed,
            valid_seconds=self._valid,
        )  # fmt: skip
        return self._added(Session(caller.handle, caller, found.label, signer, allowed, asked=True))

    def _current(self, session: Session) -> Session:
        delegation = session.signer.delegation
        if delegation and self._clock() > delegation.valid_before - _RENEW_BEFORE:
            session.signer = self._store.delegate(
                _person(session.caller), client=delegation.client, label=session.name, sid=session.id, scope=session.scope,
                valid_seconds=self._valid,
            )  # fmt: skip
        return session


def _person(caller: Caller) -> Signer:
    if caller.person is None:
        raise Unauthorized("this token may only read", "use the token that `tracker serve` prints for writing")
    return caller.person
