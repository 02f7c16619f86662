"""What a tool may reach: one store, the sessions of this process, and whom the request belongs to."""

import threading
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

import anyio.to_thread
from mcp.server.mcpserver import Context

from git_tracker.errors import TrackerError
from git_tracker.store import Signer, Tracker
from git_tracker.tools.sessions import HANDLE, Caller, Session, Sessions

T = TypeVar("T")


class Granted(NamedTuple):
    """Whom a token stands for: the signer behind it (None: may only read), under which name and scope."""

    person: Signer | None
    name: str = ""
    scope: Mapping[str, Any] = MappingProxyType({})


PersonOf = Callable[[dict[str, str]], Granted]


class Reach:
    """Handed to every call through the server's lifespan.

    `open` returns the store, or raises what keeps it from opening, so that the server answers without a repository
    too. `person_of` names the signer behind a request's headers; `person` is the one on stdio. `agents` says what a
    session may do at most, and for how many seconds; `handle` names the session of a call on stdio that names none.
    """

    def __init__(
        self, open: Callable[[], Tracker], person: Callable[[], Signer | None], person_of: PersonOf | None = None,
        agents: Callable[[], tuple[Mapping[str, Any], int]] = lambda: ({}, 86400), handle: str = "",
    ) -> None:  # fmt: skip
        self._handle = handle
        self._open, self._person, self._person_of, self._agents = open, person, person_of, agents
        self._sessions: Sessions | None = None
        self._store: Tracker | None = None
        self._lock = threading.RLock()  # a client's first calls may come side by side

    @property
    def store(self) -> Tracker:
        with self._lock:
            if self._store is None:
                self._store = self._open()
            return self._store

    @property
    def sessions(self) -> Sessions:
        with self._lock:
            if self._sessions is None:
                self._sessions = Sessions(self.store, *self._agents())
            return self._sessions

    def handle(self, ctx: "Ctx") -> str:
        """Return the handle of the person behind a call: who `assignee:me` is. Nobody needs a key to read."""
        try:
            person = self.caller(ctx, "").person
        except TrackerError:
            return ""
        return self.store.handle(person) if person else ""

    def _own_handle(self) -> str:
        return self._handle if self._handle and self.sessions.knows(self._handle) else ""

    def caller(self, ctx: "Ctx", handle: str) -> Caller:
        """Return where a call comes from."""
        meta = ctx.request_context.meta or {}
        handle = handle or str(dict(meta).get(HANDLE) or "")
        client = _client(ctx)
        headers = ctx.headers
        if headers is None:
            return Caller("process", client, self._person(), handle or self._own_handle())
        named = {name.lower(): value for name, value in headers.items()}
        granted = self._person_of(named) if self._person_of else Granted(None)
        legacy = named.get("mcp-session-id")
        origin = f"mcp {legacy}" if legacy else f"token {granted.name} {client}"
        return Caller(origin, client, granted.person, handle, granted.scope, granted.name, alone=bool(legacy))


Ctx = Context[Reach, Any]


def reach(ctx: Ctx) -> Reach:
    return ctx.request_context.lifespan_context


async def ask(found: Reach, question: Callable[[Tracker], T]) -> T:
    """Ask the store, off the event loop."""
    return await anyio.to_thread.run_sync(lambda: question(found.store))


async def read(ctx: Ctx, question: Callable[[Tracker], T]) -> T:
    """Ask the store on behalf of a tool call."""
    return await ask(reach(ctx), question)


async def write(ctx: Ctx, handle: str, act: Callable[[Tracker, Session], T]) -> tuple[T, Session]:
    """Let the calling agent's session act on the store, off the event loop."""
    found, caller = reach(ctx), reach(ctx).caller(ctx, handle)

    def run() -> tuple[T, Session]:
        session = found.sessions.of(caller)
        return act(found.store, session), session

    return await anyio.to_thread.run_sync(run)


def _client(ctx: Ctx) -> str:
    try:
        params = ctx.session.client_params
    except Exception:  # some connections carry none
        return ""
    info = params.client_info if params else None
    return f"{info.name}/{info.version}" if info else ""
