"""An MCP server that does nothing: the floor of every call."""

import anyio
from mcp.server import MCPServer

server = MCPServer("toy", version="1")


@server.tool()
async def empty() -> str:
    """Do nothing."""
    return ""


if __name__ == "__main__":
    anyio.run(server.run_stdio_async)
