"""Standard input and output as a transport for MCP that hands nothing to another thread.

The SDK's own reads each line, writes each line and flushes it in a worker thread: three of the four hand-overs of a
call. Here the event loop waits for the pipe itself, and no read or write is begun that could make it wait longer.
"""

import os
import select
from typing import Any, cast

import anyio
from mcp.server import MCPServer
from mcp.server.stdio import stdio_server

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

    async def flush(self) -> None:
        """Do nothing: nothing is kept back."""


async def _waited(ready: Any, descriptor: int) -> None:
    try:
        await ready(descriptor)
    except PermissionError:  # a file or /dev/null, at which nobody has to wait
        return


async def serve(server: MCPServer[Any]) -> None:
    """Serve until the other side closes its end."""
    lines, writer = Lines(_diverted(0, os.open(os.devnull, os.O_RDONLY))), Writer(_diverted(1, _complaints()))
    async with stdio_server(cast(Any, lines), cast(Any, writer)) as (read, write):
        inside = server._lowlevel_server
        await inside.run(read, write, inside.create_initialization_options())


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
