"""Standard input and output as a transport for MCP that hands nothing to another thread.

The SDK's own reads each line, writes each line and flushes it in a worker thread: three of the four hand-overs of a
call. Here the event loop waits for the pipe itself, and no read or write is begun that could make it wait longer.
And the SDK's says nothing to a line that is no message, for which a client would wait for ever.
"""

import json
import os
import select
from collections.abc import AsyncIterable
from typing import Any

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.server import MCPServer
from mcp.shared.message import SessionMessage
from mcp_types import (
    INVALID_REQUEST,
    PARSE_ERROR,
    ErrorData,
    JSONRPCError,
    RequestId,
    jsonrpc_message_adapter,
)
from pydantic import ValidationError

_AT_ONCE = 1 << 16  # bytes asked for in one read


class Lines:
    """The lines that come in at a descriptor, the last one whether or not it is ended."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._kept = bytearray()
        self._ended = False

    def __aiter__(self) -> "Lines":
        return self

    async def __anext__(self) -> str:
        searched = 0
        while (end := self._kept.find(b"\n", searched)) < 0 and not self._ended:
            searched = len(self._kept)
            await _waited(anyio.wait_readable, self._descriptor)
            got = os.read(self._descriptor, _AT_ONCE)
            self._kept += got
            self._ended = not got
        if end < 0 and not self._kept:
            raise StopAsyncIteration
        line = self._kept[: end + 1] if end >= 0 else self._kept[:]
        del self._kept[: len(line)]
        return line.decode("utf-8", "replace")


class Writer:
    """What goes out at a descriptor."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._room = select.poll()
        self._room.register(descriptor, select.POLLOUT)

    async def write(self, text: str) -> None:
        rest = text.encode()
        while rest:
            if not self._room.poll(0):  # whoever reads it is behind
                await _waited(anyio.wait_writable, self._descriptor)
            # So much never blocks once there is room, and no longer write is sure not to.
            rest = rest[os.write(self._descriptor, rest[: select.PIPE_BUF]) :]


async def _waited(ready: Any, descriptor: int) -> None:
    try:
        await ready(descriptor)
    except PermissionError:  # a file or /dev/null, at which nobody has to wait
        return


async def serve(server: MCPServer[Any]) -> None:
    """Serve until the other side closes its end."""
    lines, writer = Lines(_diverted(0, os.open(os.devnull, os.O_RDONLY))), Writer(_diverted(1, _complaints()))
    heard, read = anyio.create_memory_object_stream[SessionMessage | Exception]()
    write, told = anyio.create_memory_object_stream[SessionMessage]()
    inside = server._lowlevel_server
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_listen, lines, heard, write.clone())
        tasks.start_soon(_tell, told, writer)
        await inside.run(read, write, inside.create_initialization_options())


async def _listen(
    lines: AsyncIterable[str],
    heard: MemoryObjectSendStream[SessionMessage | Exception],
    write: MemoryObjectSendStream[SessionMessage],
) -> None:
    async with heard, write:
        async for line in lines:
            try:
                message = jsonrpc_message_adapter.validate_json(line, by_name=False)
            except ValidationError as error:
                if line.strip():
                    await write.send(SessionMessage(_refusal(line, error)))
            else:
                await heard.send(SessionMessage(message))


async def _tell(told: MemoryObjectReceiveStream[SessionMessage], writer: Writer) -> None:
    async with told:
        async for one in told:
            await writer.write(one.message.model_dump_json(by_alias=True, exclude_unset=True) + "\n")


def _refusal(line: str, error: ValidationError) -> JSONRPCError:
    flaw = error.errors(include_url=False, include_input=False)[0]
    if flaw["type"] == "json_invalid":
        data = ErrorData(code=PARSE_ERROR, message=f"Parse error: {flaw['ctx']['error']}")
    else:
        data = ErrorData(code=INVALID_REQUEST, message="Invalid request: the line is no JSON-RPC message")
    return JSONRPCError(jsonrpc="2.0", id=_id(line), error=data)


def _id(line: str) -> RequestId | None:
    """Return the id of a request, as far as a less strict reader finds it."""
    try:
        found = json.loads(line)
        id = None if {"result", "error"} & found.keys() else found.get("id")
        return id if type(id) is int or (isinstance(id, str) and id.encode()) else None
    except (ValueError, AttributeError, RecursionError):  # no JSON, no object, no text, too deep
        return None


def _diverted(standard: int, instead: int) -> int:
    """Return a standard stream under a number that nobody else knows; what reads or prints there gets `instead`."""
    own = os.dup(standard)
    os.dup2(instead, standard)
    os.close(instead)
    return own


def _complaints() -> int:
    """Return where a stray print goes: to standard error if there is one."""
    try:
        return os.dup(2)
    except OSError:
        return os.open(os.devnull, os.O_WRONLY)
