"""Live connections: `GET /events` (server-sent events) and `WS /ws`, the same events with the same cursors.

The WebSocket also carries presence: who looks at and who edits which issue.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from itertools import count
from typing import Any

from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from git_tracker.web.feed import Feed, Message
from git_tracker.web.site import principal, site

_numbers = count(1)
_MAX_MESSAGE = 1000  # bytes a page may say at once
_PING_SECONDS = 15


async def events(request: Request) -> Response:
    """Stream every event; `Last-Event-ID` or `since` resumes without loss or doubles."""
    since = request.headers.get("last-event-id") or request.query_params.get("since", "")
    feed = site(request).feed

    async def stream() -> AsyncIterator[ServerSentEvent]:
        async for message in feed.listen(since[:64]):
            if message.kind != "presence":
                yield ServerSentEvent(data=message.data, event=message.kind, id=message.cursor)

    return EventSourceResponse(stream(), ping=_PING_SECONDS, send_timeout=10)


async def socket(websocket: WebSocket) -> None:
    """The page's own connection."""
    here, who = site(websocket), principal(websocket)
    await websocket.accept()
    me = str(next(_numbers))
    presence = here.feed.presence
    presence[me] = {
        "id": me,
        "name": here.name if who.role == "writer" else "observer",
        "viewing": None,
        "editing": None,
    }
    since = websocket.query_params.get("since", "")[:64]
    sending = asyncio.create_task(
        _send(websocket, here.feed, since, {"person": here.handle, "role": who.role, "id": me})
    )
    here.feed.announce()
    try:
        while True:
            text = await websocket.receive_text()
            if _heard(presence[me], text):
                here.feed.announce()
    except (WebSocketDisconnect, RuntimeError, KeyError):
        pass
    finally:
        presence.pop(me, None)
        here.feed.announce()
        sending.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await sending


async def _send(websocket: WebSocket, feed: Feed, since: str, me: dict[str, str]) -> None:
    async for message in feed.listen(since):
        await asyncio.wait_for(websocket.send_text(_frame(message, me)), 10)
    await websocket.close(1001)


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
