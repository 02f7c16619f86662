"""Live connections: `GET /events` (server-sent events) and `WS /ws`, the same events with the same cursors.

The WebSocket also carries presence: who looks at and who edits which issue.
"""

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator
from itertools import count
from typing import Any

from sse_starlette import EventSourceResponse, ServerSentEvent
from sse_starlette.sse import SendTimeoutError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from git_tracker.store import LONGEST_CURSOR
from git_tracker.web.feed import Feed, Message
from git_tracker.web.site import principal, site

_numbers = count(1)
_MAX_MESSAGE = 1000  # bytes a page may say at once
_PING_SECONDS = 15

log = logging.getLogger(__name__)


async def events(request: Request) -> Response:
    """Stream every event; `Last-Event-ID` or `since` resumes without loss or doubles."""
    since = request.headers.get("last-event-id") or request.query_params.get("since", "")
    feed = site(request).feed

    async def stream() -> AsyncIterator[ServerSentEvent]:
        async with contextlib.aclosing(feed.listen(since[:LONGEST_CURSOR])) as messages:
            async for message in messages:
                if message.kind != "presence":
                    yield ServerSentEvent(data=message.data, event=message.kind, id=message.cursor)

    return _Stream(stream(), ping=_PING_SECONDS, send_timeout=feed.limits.send_seconds)


class _Stream(EventSourceResponse):
    """A stream that just ends when its reader takes nothing any more."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        except* SendTimeoutError:
            log.info("a reader of /events took nothing for too long and was dropped")


async def socket(websocket: WebSocket) -> None:
    """The page's own connection; it ends as soon as either side no longer listens."""
    here, who = site(websocket), principal(websocket)
    await websocket.accept()
    me = str(next(_numbers))
    name = here.name if who.role == "writer" else "observer"
    presence = here.feed.presence
    presence[me] = {"id": me, "name": name, "viewing": None, "editing": None}
    since = websocket.query_params.get("since", "")[:LONGEST_CURSOR]
    tasks = [
        asyncio.create_task(_send(websocket, here.feed, since, {"person": here.handle, "role": who.role, "id": me})),
        asyncio.create_task(_hear(websocket, here.feed, presence[me])),
    ]
    here.feed.announce()
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        presence.pop(me, None)
        here.feed.announce()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _send(websocket: WebSocket, feed: Feed, since: str, me: dict[str, str]) -> None:
    async with contextlib.aclosing(feed.listen(since)) as messages:
        async for message in messages:
            async with asyncio.timeout(feed.limits.send_seconds):  # wait_for may swallow being cancelled (Python 3.11)
                await websocket.send_text(_frame(message, me))
    await websocket.close(1001)


async def _hear(websocket: WebSocket, feed: Feed, own: dict[str, Any]) -> None:
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):  # gone
        try:
            while True:
                if _heard(own, await websocket.receive_text()):
                    feed.announce()
        except KeyError:  # bytes instead of text
            await websocket.close(1003)


def _frame(message: Message, me: dict[str, str]) -> str:
    if message.kind == "event":
        return f'{{"type":"event","event":{message.data}}}'
    fields: dict[str, Any] = {"type": message.kind, **json.loads(message.data)}
    return json.dumps(fields | {"me": me} if message.kind == "hello" else fields)


def _heard(own: dict[str, Any], text: str) -> bool:
    """Take what a page says of itself; anything else is ignored."""
    try:
        said = json.loads(text) if len(text) <= _MAX_MESSAGE else None
    except (ValueError, RecursionError):
        return False
    if not isinstance(said, dict) or said.get("type") not in ("viewing", "editing"):
        return False
    issue = said.get("issue")
    if issue is not None and not (isinstance(issue, str) and len(issue) <= 40 and issue.isalnum()):
        return False
    own[said["type"]] = issue
    return True


routes = [Route("/events", events), WebSocketRoute("/ws", socket)]
