"""One HTTP application: the page, REST, the live feed and MCP at /mcp, behind one gate."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from git_tracker.server import mcp
from git_tracker.server.exchanging import Exchanges
from git_tracker.server.settings import AgentSettings
from git_tracker.store import Signer, Tracker, watching
from git_tracker.tools import Granted, Reach
from git_tracker.web import DEFAULT, Feed, Limits, Site, Tokens, build


class Application:
    """Everything one `tracker serve` answers with."""

    def __init__(
        self, store: Tracker, signer: Signer | None, tokens: Tokens, hosts: frozenset[str], limits: Limits = DEFAULT,
        agents: AgentSettings | None = None, exchanges: Exchanges | None = None, *, command: str = "",
    ) -> None:  # fmt: skip
        self._exchanges = exchanges
        self._store, self._signer, self._tokens, self._limits = store, signer, tokens, limits
        self._command = command

        def person_of(headers: dict[str, str]) -> Granted:
            who = tokens.of_headers(headers)
            return Granted(signer, who.name, who.scope) if who and who.role != "observer" else Granted(None)

        allowed = agents or AgentSettings()
        self.mcp = mcp.build(Reach(lambda: store, lambda: signer, person_of, allowed.bounds))
        endpoint = self.mcp.streamable_http_app(  # the gate has checked Host and Origin already
            json_response=True, transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False)
        )
        routes = [Route(route.path, _Owned(route.app)) for route in endpoint.routes if isinstance(route, Route)]
        self.asgi: ASGIApp = build(tokens, hosts, self._lifespan, *routes, limits=limits)
        self.feed: Feed | None = None

    @asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        watch = watching(self._store)
        self.feed = feed = Feed(self._store, self._limits)
        handles = {member.key: (member.person, member.name) for member in self._store.members}
        handle, name = handles.get(self._signer.identity.key, ("", "")) if self._signer else ("", "")
        app.state.site = Site(self._store, self._signer, handle, name, self._tokens, feed, watch, self._command)
        async with self.mcp.session_manager.run():
            running = [watch.run(), feed.pump(), *([self._exchanges.run()] if self._exchanges else [])]
            tasks = [asyncio.create_task(one) for one in running]
            try:
                yield
            finally:
                watch.stop()
                feed.close()
                for task in tasks:
                    task.cancel()
                    with suppress(asyncio.CancelledError):
                        await task

    def close_streams(self) -> None:
        """End what would keep the server from shutting down: listen streams and live feeds."""
        if self.feed is not None:
            self.feed.close()
        handler = self.mcp._lowlevel_server.get_request_handler("subscriptions/listen")
        close = getattr(getattr(handler, "handler", None), "close", None)
        if close is not None:
            close()


class _Owned:
    """Tells the SDK whose token a request carries: a session of the older protocols belongs to whom opened it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        who = scope["state"]["principal"]
        scope["user"] = AuthenticatedUser(AccessToken(token="", client_id=f"{who.role} {who.name}", scopes=[]))
        await self._app(scope, receive, send)
