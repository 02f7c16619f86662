"""The live feed: every event once from the index to everybody who listens, with replay by cursor.

One pump reads what is new and encodes it once, however many pages are open. A listener that does not keep up is told
to start over instead of filling memory.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any, NamedTuple

from git_tracker.errors import EpochChanged, TrackerError
from git_tracker.store import Cue, Tracker, is_later, joined_cursor
from git_tracker.web.limits import Limits

_BATCH = 500


class Message(NamedTuple):
    """`kind` is hello, event, reset or presence; `cursor` stands for the event; `data` is JSON text."""

    kind: str
    cursor: str
    data: str


class Feed:
    """Built and used on one event loop; the bus may ring from any thread."""

    def __init__(self, store: Tracker, limits: Limits) -> None:
        self._store, self.limits = store, limits
        self._listeners: set[asyncio.Queue[Message | None]] = set()
        self.presence: dict[str, dict[str, Any]] = {}  # who is connected, and what they look at
        self._wake = asyncio.Event()
        self._anew = False  # a repository came or went
        self._loop = asyncio.get_running_loop()
        self._cursor = store.cursor()
        self._unsubscribe = store.bus.subscribe(self._hear)

    def close(self) -> None:
        """Tell all listeners that it is over."""
        self._unsubscribe()
        for queue in list(self._listeners):
            _put(queue, None)

    def _hear(self, cue: Cue) -> None:
        if not cue.epoch:
            self._anew = True
        with contextlib.suppress(RuntimeError):  # the loop is gone, nobody listens
            self._loop.call_soon_threadsafe(self._wake.set)

    async def pump(self) -> None:
        """Carry news from the index to the listeners until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self._carry()

    async def _carry(self) -> None:
        if self._anew:
            self._anew = False
            self._cursor = await asyncio.to_thread(self._store.cursor)
            self.tell(_reset(self._cursor, "a repository came or went"))
        while True:
            try:
                page = await asyncio.to_thread(self._store.events, since=self._cursor, limit=_BATCH)
            except EpochChanged:
                self._cursor = await asyncio.to_thread(self._store.cursor)
                self.tell(_reset(self._cursor, "the index was rebuilt"))
                return
            except TrackerError:
                return
            for item in page["items"]:
                self._cursor = item["cursor"]
                self.tell(_event(item))
            if len(page["items"]) < _BATCH:
                return

    def announce(self) -> None:
        """Tell everybody who is here."""
        self.tell(self._present())

    def _present(self) -> Message:
        return Message("presence", "", json.dumps({"people": list(self.presence.values())}))

    def tell(self, message: Message) -> None:
        """Send one message to every listener."""
        for queue in self._listeners:
            _put(queue, message)

    async def listen(self, since: str = "") -> AsyncGenerator[Message]:
        """Yield a hello, what was missed since a cursor, then everything as it happens."""
        queue: asyncio.Queue[Message | None] = asyncio.Queue(self.limits.queue)
        self._listeners.add(queue)
        try:
            sent = since or self._cursor
            yield Message("hello", sent, json.dumps({"cursor": sent}))
            yield self._present()
            if since:
                async for missed in self._missed(since):
                    sent = missed.cursor
                    yield missed
            while (message := await queue.get()) is not None:
                if message.kind == "event":
                    if not is_later(message.cursor, sent):
                        continue
                    sent = joined_cursor(sent, message.cursor)
                    if sent != message.cursor:  # several repositories: this listener has seen more of another one
                        message = _event({**json.loads(message.data), "cursor": sent})
                elif message.kind == "reset":
                    sent = message.cursor
                yield message
        finally:
            self._listeners.discard(queue)

    async def _missed(self, since: str) -> AsyncIterator[Message]:
        while True:
            try:
                page = await asyncio.to_thread(self._store.events, since=since, limit=_BATCH)
            except TrackerError as error:
                yield _reset(await asyncio.to_thread(self._store.cursor), str(error))
                return
            if not page["items"] and is_later(since, newest := await asyncio.to_thread(self._store.cursor)):
                yield _reset(newest, "the cursor is ahead of the index")
                return
            for item in page["items"]:
                since = item["cursor"]
                yield _event(item)
            if len(page["items"]) < _BATCH:
                return


def _put(queue: asyncio.Queue[Message | None], message: Message | None) -> None:
    if queue.full():
        while not queue.empty():
            queue.get_nowait()
        queue.put_nowait(_reset(message.cursor if message else "", "too many events at once"))
    if message is None or message.kind != "reset" or queue.empty():
        queue.put_nowait(message)


def _event(item: dict[str, Any]) -> Message:
    return Message("event", item["cursor"], json.dumps(item, ensure_ascii=False))


def _reset(cursor: str, reason: str) -> Message:
    return Message("reset", cursor, json.dumps({"cursor": cursor, "reason": reason}))
