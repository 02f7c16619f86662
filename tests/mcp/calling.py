"""Every way an agent reaches the tools: in memory, over stdio and over HTTP, in both eras of the protocol."""

import contextlib
import json
import sys
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, TextContent

from git_tracker.server import mcp
from git_tracker.tools import Reach
from tests.web.serving import Served, World

ERAS = pytest.mark.parametrize("era", ["auto", "legacy"], ids=["modern", "handshake"])
WAYS = pytest.mark.parametrize("way", ["memory", "stdio", "http"])


@contextlib.asynccontextmanager
async def reached(way: str, era: str, served: Served, token: str = "", **options: Any) -> AsyncIterator[Client]:
    """A connected client of the SDK's own."""
    world = served.world
    if way == "memory":
        server: Any = mcp.build(Reach(lambda: world.store, lambda: world.ada))
        async with Client(server, mode=era, cache=None, **options) as client:
            yield client
    elif way == "stdio":
        async with Client(stdio(world), mode=era, cache=None, **options) as client:
            yield client
    else:
        headers = {"Authorization": f"Bearer {token or served.token}"}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=30, trust_env=False) as http,
            Client(
                streamable_http_client(f"{served.origin}/mcp", http_client=http), mode=era, cache=None, **options
            ) as client,
        ):
            yield client


def stdio(world: World, *args: str) -> StdioServerParameters:
    return StdioServerParameters(
        command=sys.executable, args=["-m", "git_tracker", *(args or ("-C", str(world.place))), "mcp"], env=world.env
    )


class Agent:
    """Calls tools as one agent; what is refused fails unless asked for."""

    def __init__(self, client: Client, handle: str = "") -> None:
        self.client, self.handle = client, handle

    async def raw(self, tool: str, **arguments: Any) -> CallToolResult:
        named = {"session": self.handle} if self.handle else {}
        result = await self.client.call_tool(tool, arguments | named)
        assert isinstance(result, CallToolResult)
        assert weight(result) < 8192, (tool, weight(result))
        return result

    async def call(self, tool: str, **arguments: Any) -> Any:
        result = await self.raw(tool, **arguments)
        assert not result.is_error, text_of(result)
        return result.structured_content

    async def refused(self, tool: str, **arguments: Any) -> dict[str, str]:
        """Call what must be refused; return code, message and hint."""
        result = await self.raw(tool, **arguments)
        assert result.is_error, text_of(result)
        error: dict[str, str] = (result.meta or {})["git-tracker/error"]
        assert text_of(result).startswith(f"{error['code']}: {error['message']}")
        return error

    async def start(self, name: str = "fixer", **more: Any) -> Any:
        """Open a session and use its handle from now on."""
        started = await self.call("session_start", name=name, **more)
        self.handle = started["session"]
        return started


def text_of(result: CallToolResult) -> str:
    return "\n".join(part.text for part in result.content if isinstance(part, TextContent))


def weight(result: CallToolResult) -> int:
    """How many bytes an answer takes on the wire."""
    return len(
        json.dumps(result.model_dump(mode="json", by_alias=True, exclude_none=True), ensure_ascii=False).encode()
    )
