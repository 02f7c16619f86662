"""The servers as processes: what stands on their streams, where they start, how they end, and other people's clients."""

import asyncio
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from fastmcp import Client as FastClient
from fastmcp.client.transports import StdioTransport, StreamableHttpTransport
from mcp import Client, MCPError

from tests.mcp.calling import ERAS, Agent, reached, stdio
from tests.web.listening import Socket, Stream
from tests.web.serving import PATIENCE, Served, World


@ERAS
async def test_without_a_repository_it_answers_and_says_how_to_point_it_at_one(
    served: Served, tmp_path: Path, era: str
) -> None:
    async with Client(stdio(served.world, "-C", str(tmp_path)), mode=era, cache=None) as client:
        tools = (await client.list_tools()).tools
        assert len(tools) >= 11
        assert (await client.list_resources()).resources
        agent = Agent(client)
        for tool, arguments in [
            ("session_start", {"name": "x"}), ("find_issues", {}), ("get_issue", {"id": "abcdef0"}),
            ("create_issues", {"issues": [{"title": "x"}]}), ("history", {}),
        ]:  # fmt: skip
            error = await agent.refused(tool, **arguments)
            assert error["code"] == "no_repository"
            assert "tracker -C" in error["hint"]
        with pytest.raises(MCPError, match="no_repository"):
            await client.read_resource("tracker://board")
        subprocess.run(["git", "init", "--quiet", tmp_path], check=True, env=served.world.env)
        assert (await agent.call("find_issues"))["total"] == 0  # it need not be started again


async def test_without_a_tracker_reading_works_and_writing_says_what_to_do(tmp_path: Path) -> None:
    world = World(tmp_path / "untracked", tracked=False)
    async with Client(stdio(world), cache=None) as client:
        agent = Agent(client)
        assert (await agent.call("find_issues"))["total"] == 0
        error = await agent.refused("create_issues", issues=[{"title": "x"}])
        assert "tracker init" in error["hint"]
        world.tracker("init").communicate(timeout=PATIENCE)
        assert (await agent.call("create_issues", issues=[{"title": "x"}]))["items"]
    world.close()


def test_nothing_but_json_rpc_stands_on_standard_output(served: Served) -> None:
    process = served.world.tracker("mcp", stdin=subprocess.PIPE)
    assert process.stdin
    assert process.stdout
    assert process.stderr

    def ask(message: str) -> Any:
        process.stdin.write(message + "\n")
        process.stdin.flush()
        return json.loads(process.stdout.readline())

    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}}
    assert ask(rpc(1, "initialize", hello))["result"]["serverInfo"]["name"] == "git-tracker"
    process.stdin.write(json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}) + "\n")
    process.stdin.write("this is no JSON\n\n[]\n")
    call = rpc(2, "tools/call", {"name": "create_issues", "arguments": {"issues": [{"title": "by hand"}]}})
    process.stdin.write(call + "\n")
    bad = rpc(3, "tools/call", {"name": "nothing", "arguments": {}})
    process.stdin.write(bad + "\n")
    process.stdin.flush()
    answers: list[Any] = []
    while not {2, 3} <= {answer.get("id") for answer in answers}:
        answers.append(json.loads(process.stdout.readline()))
    start = time.monotonic()
    rest, errors = process.communicate(timeout=PATIENCE)
    answers += [json.loads(line) for line in rest.splitlines()]
    assert {answer["jsonrpc"] for answer in answers} == {"2.0"}
    assert "Traceback" not in errors
    assert process.returncode == 0
    assert time.monotonic() - start < 5


def rpc(id: int, method: str, params: dict[str, Any]) -> str:
    return json.dumps({"jsonrpc": "2.0", "id": id, "method": method, "params": params})


@pytest.mark.parametrize("name", [signal.SIGTERM, signal.SIGINT])
def test_a_stdio_server_ends_when_it_is_told(served: Served, name: signal.Signals) -> None:
    process = served.world.tracker("mcp", stdin=subprocess.PIPE)
    assert process.stdin
    assert process.stdout
    process.stdin.write(
        rpc(
            1,
            "initialize",
            {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "r", "version": "1"}},
        )
        + "\n"
    )
    process.stdin.flush()
    assert process.stdout.readline()
    process.send_signal(name)
    process.communicate(timeout=5)


@pytest.mark.parametrize(
    "headers",
    [{"Mcp-Method": "tools/list"}, {"Mcp-Name": "comment"}, {"MCP-Protocol-Version": "1999-01-01"}],
    ids=["method", "name", "version"],
)
def test_headers_that_contradict_the_message_are_refused(served: Served, headers: dict[str, str]) -> None:
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "raw", "version": "1"},
    }  # fmt: skip
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": {"name": "find_issues", "arguments": {}, "_meta": meta}}  # fmt: skip
    honest = {
        "Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call",
        "Mcp-Name": "find_issues",
    }  # fmt: skip
    assert served.request("POST", "/mcp", body, honest).json["result"]["structuredContent"]
    lying = served.request("POST", "/mcp", body, honest | headers)
    assert lying.status == 400
    assert lying.json["error"]["code"] in (-32020, -32022, -32600)


async def test_it_ends_at_once_though_everybody_is_still_listening(tmp_path: Path) -> None:
    world = World(tmp_path / "busy")
    with world.serve() as server, Socket(server) as page, Stream(server) as stream:
        page.next()
        stream.next()
        async with reached("http", "auto", server) as modern, reached("http", "legacy", server) as handshake:
            await Agent(modern).start()
            await Agent(handshake).start()
            id = (await Agent(handshake).call("create_issues", issues=[{"title": "x"}]))["items"][0]["id"]
            assert id
            async with modern.listen(resource_subscriptions=["tracker://board"]):
                taken = await asyncio.to_thread(server.stop)
        assert taken < 3
        assert "Traceback" not in server.errors
        with pytest.raises((EOFError, ConnectionError)):
            page.until(lambda message: False, seconds=5)
    world.close()


@pytest.mark.parametrize("way", ["stdio", "http"])
async def test_a_client_that_nobody_here_wrote_does_a_days_work(served: Served, way: str) -> None:
    world = served.world
    transport: Any = (
        StdioTransport(sys.executable, ["-m", "git_tracker", "-C", str(world.repo), "mcp"], env=world.env)
        if way == "stdio"
        else StreamableHttpTransport(f"{served.origin}/mcp", headers={"Authorization": f"Bearer {served.token}"})
    )
    async with FastClient(transport) as client:
        assert {tool.name for tool in await client.list_tools()} >= {"claim_issue", "finish_issue"}
        started = (await client.call_tool("session_start", {"name": f"fast {way}"})).structured_content
        assert started
        session = {"session": started["session"]}
        made = (await client.call_tool("create_issues", {"issues": [{"title": f"by fastmcp {way}"}], **session})).data
        id = made.items[0].id
        await client.call_tool("claim_issue", {"id": id, **session})
        await client.call_tool("comment", {"id": id, "body": "on it", **session})
        done = (await client.call_tool("finish_issue", {"id": id, "summary": "done", **session})).data
        assert done.status == "done"
        board = await client.read_resource("tracker://board")
        assert "by fastmcp" in str(board[0])
        refused = await client.call_tool("comment", {"id": id, "bodi": "x", **session}, raise_on_error=False)
        assert refused.is_error
    assert world.store.audit(started["id"])["chain"] == {"entries": 4, "gaps": [], "forks": [], "ok": True}
    assert world.store.verify()["ok"]
