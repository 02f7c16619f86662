"""Two ways to listen to the live feed, as a page would: a WebSocket and server-sent events."""

import json
import socket
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any, Self

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.web.serving import PATIENCE, Client

Message = dict[str, Any]


class Listener:
    """What both have in common: messages as `{"type": …}` in the order they come."""

    def __init__(self) -> None:
        self.got: list[Message] = []

    def next(self, seconds: float = PATIENCE) -> Message:
        """Return the next message; raise TimeoutError if none comes, EOFError when it is over."""
        raise NotImplementedError

    def until(self, wanted: Callable[[Message], bool], seconds: float = PATIENCE) -> Message:
        """Return the next message that is wanted; those before it are in `got`."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            message = self.next(end - time.monotonic())
            if wanted(message):
                return message
        raise TimeoutError(self.got[-3:])

    def until_cursor(self, cursor: str) -> None:
        """Listen until the event with this cursor has come."""
        self.until(lambda message: message["type"] == "event" and message["event"]["cursor"] == cursor)

    @property
    def events(self) -> list[Message]:
        return [message["event"] for message in self.got if message["type"] == "event"]

    def close(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Socket(Listener):
    """WS /ws."""

    def __init__(self, server: Client, since: str = "", headers: Mapping[str, str] | None = None) -> None:
        super().__init__()
        headers = {"Authorization": f"Bearer {server.token}"} if headers is None else headers
        query = f"?since={since}" if since else ""
        self._open = ExitStack()
        self.connection = self._open.enter_context(
            connect(
                f"ws://{server.host}/ws{query}", additional_headers=headers, proxy=None, open_timeout=PATIENCE,
                close_timeout=2, max_size=2**24,
            )
        )  # fmt: skip

    def next(self, seconds: float = PATIENCE) -> Message:
        try:
            self.got.append(json.loads(self.connection.recv(timeout=seconds)))
        except ConnectionClosed as end:
            raise EOFError(str(end)) from end
        return self.got[-1]

    def say(self, **message: Any) -> None:
        self.connection.send(json.dumps(message))

    def close(self) -> None:
        self._open.close()


class Stream(Listener):
    """GET /events."""

    def __init__(self, server: Client, since: str = "", *, resume: bool = False) -> None:
        super().__init__()
        query = f"?since={since}" if since and not resume else ""
        header = f"Last-Event-ID: {since}\r\n" if since and resume else ""
        self._socket = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)
        self._socket.sendall(
            f"GET /events{query} HTTP/1.1\r\nHost: {server.host}\r\nAuthorization: Bearer {server.token}\r\n"
            f"{header}Accept: text/event-stream\r\n\r\n".encode()
        )
        self._file = self._socket.makefile("rb")
        self.status = int(self._file.readline().split()[1])
        self.headers: dict[str, str] = {}
        while line := self._file.readline().strip():
            name, _, value = line.decode().partition(":")
            self.headers[name.lower()] = value.strip()
        self._text = b""
        self.last_id = ""

    def next(self, seconds: float = PATIENCE) -> Message:
        self._socket.settimeout(max(seconds, 0.01))
        while True:
            while b"\r\n\r\n" not in self._text:
                size = int(self._file.readline().strip() or b"0", 16)
                if not size:
                    raise EOFError
                self._text += self._file.read(size)
                self._file.readline()
            block, _, self._text = self._text.partition(b"\r\n\r\n")
            fields: dict[str, str] = {}
            for line in block.decode().split("\r\n"):
                name, _, value = line.partition(": ")
                fields[name] = value
            if "data" not in fields:  # a comment that keeps the connection alive
                continue
            self.last_id = fields.get("id", self.last_id)
            data = json.loads(fields["data"])
            kind = fields["event"]
            self.got.append({"type": kind, "event": data} if kind == "event" else {"type": kind, **data})
            return self.got[-1]

    def close(self) -> None:
        self._file.close()
        self._socket.close()
