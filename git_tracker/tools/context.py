"""What a tool may reach: one store, the sessions of this process, and whom the request belongs to."""

from collections.abc import Callable
from typing import Any, TypeVar

import anyio.to_thread
from mcp.server.mcpserver import Context

from git_tracker.errors import TrackerError
from git_tracker.store import IssueStore, Signer
from git_tracker.tools.sessions import HANDLE, Caller, Session, Sessions

T = TypeVar("T")

PersonOf = Callable[[dict[str, str]], Signer | None]


class Reach:
    """Handed to every call through the server's lifespan.

    `open` returns the store, or raises what keeps it from opening, so that the server answers without a repository
    too. `person_of` names the signer behind a request's headers; `person` is the one on stdio.
    """

    def __init__(
        self, open: Callable[[], IssueStore], person: Callable[[], Signer | None], person_of: PersonOf | None = None
    ) -> None:
        self._open, self._person, self._person_of = open, person, person_of
        self._sessions: Sessions | None = None
        self._store: IssueStore | None = None

    @property
    def store(self) -> IssueStore:
        if self._store is None:
            self._store = self._open()
        return self._store

    @property
    def sessions(self) -> Sessions:
        if self._sessions is None:
            self._sessions = Sessions(self.store)
        return self._sessions

    def handle(self, ctx: "Ctx") -> str:
        """Return the handle of the person behind a call: who `assignee:me` is. Nobody needs a key to read."""
        try:
            person = self.caller(ctx, "").person
        except TrackerError:
            return ""
        return self.store.handle(person) if person else ""

    def caller(self, ctx: "Ctx", handle: str) -> Caller:
        """Return where a call comes from."""
        meta = ctx.request_context.meta or {}
        handle = handle or str(dict(meta).get(HANDLE) or "")
        client = _client(ctx)
        headers = ctx.headers
        if headers is None:
            return Caller("process", client, self._person(), handle)
        named = {name.lower(): value for name, value in headers.items()}
        person = self._person_of(named) if self._person_of else None
        legacy = named.get("mcp-session-id")
        return Caller(f"mcp {legacy}" if legacy else f"token {client}", client, person, handle)


Ctx = Context[Reach, Any]


def reach(ctx: Ctx) -> Reach:
    return ctx.request_context.lifespan_context


async def ask(found: Reach, question: Callable[[IssueStore], T]) -> T:
    """Ask the store, off the event loop."""
    return await anyio.to_thread.run_sync(lambda: question(found.store))


async def read(ctx: Ctx, question: Callable[[IssueStore], T]) -> T:
    """Ask the store on behalf of a tool call."""
    return await ask(reach(ctx), question)


async def write(ctx: Ctx, handle: str, act: Callable[[IssueStore, Session], T]) -> tuple[T, Session]:
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
