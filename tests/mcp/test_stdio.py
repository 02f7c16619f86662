"""The transport over standard streams: lines in, lines out, no thread, and nobody held up by whoever is behind."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from git_tracker.server.stdio import Lines, Writer
from tests.mcp.test_process import rpc
from tests.web.serving import PATIENCE, Served


async def test_lines_come_whole_however_they_are_cut() -> None:
    there, here = os.pipe()
    found: list[str] = []

    async def read() -> None:
        found.extend([line async for line in Lines(there)])

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(read)
        for piece in (b'{"a": 1}\n{"b"', b": ", b"2}\n", "\nü".encode()[:2], "ü".encode()[1:], b"\xff\n", b"the last"):
            os.write(here, piece)
            await anyio.wait_all_tasks_blocked()
        os.close(here)
    os.close(there)

    assert found == ['{"a": 1}\n', '{"b": 2}\n', "\n", "ü\ufffd\n", "the last"]


async def test_who_reads_slowly_holds_up_nothing_but_the_answers_and_no_thread_is_begun() -> None:
    there, here = os.pipe()
    text, got, before = "0123456789abcdef" * 65536, bytearray(), threading.active_count()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(Writer(here).write, text)
        await anyio.wait_all_tasks_blocked()  # the pipe is full, and we are here all the same
        while len(got) < len(text):
            got += os.read(there, 5000)
            await anyio.lowlevel.checkpoint()
        assert threading.active_count() == before
    os.close(here)
    os.close(there)

    assert got.decode() == text


async def test_files_and_the_null_device_are_read_and_written_too(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    with open(path, "wb") as file:
        await Writer(file.fileno()).write("one\ntwo\n" * 2000)
    with open(path, "rb") as file, open(os.devnull, "r+b") as nothing:
        assert [line async for line in Lines(file.fileno())] == ["one\n", "two\n"] * 2000
        assert [line async for line in Lines(nothing.fileno())] == []
        await Writer(nothing.fileno()).write("into the void")


MODERN = {
    "_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "raw", "version": "1"},
    }
}  # fmt: skip
HELLO = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "file", "version": "1"}}


def conversation(*requests: str) -> bytes:
    begun = json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"})
    return "\n".join((rpc(1, "initialize", HELLO), begun, *requests)).encode()


def test_a_whole_conversation_may_stand_in_a_file(served: Served, tmp_path: Path) -> None:
    (tmp_path / "said").write_bytes(conversation(rpc(2, "tools/list", {})))
    argv = [sys.executable, "-m", "git_tracker", "-C", served.world.place, "mcp"]
    with open(tmp_path / "said", "rb") as said, open(tmp_path / "told", "wb") as told:
        subprocess.run(argv, env=served.world.env, stdin=said, stdout=told, timeout=PATIENCE, check=True)
    first = json.loads((tmp_path / "told").read_text().splitlines()[0])

    assert first["result"]["serverInfo"]["name"] == "git-tracker"


LOUD = """
import os, sys, anyio
from mcp.server import MCPServer
from git_tracker.server import stdio

server = MCPServer("toy")

@server.tool()
async def loud() -> str:
    print("astray", flush=True)
    print("kept back")
    os.system("echo of a child; cat")
    sys.stdin.readlines()
    return "done"

anyio.run(stdio.serve, server)
"""


def test_what_a_tool_or_its_child_prints_does_not_stand_among_the_answers(served: Served) -> None:
    argv, loud = [sys.executable, "-c", LOUD], rpc(2, "tools/call", {"name": "loud", "arguments": {}})
    process = subprocess.Popen(
        argv, env=served.world.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdin
    assert process.stdout
    process.stdin.write(conversation(loud) + b"\n")
    process.stdin.flush()
    told = [json.loads(process.stdout.readline()) for _ in range(2)]
    rest, complaints = process.communicate(timeout=PATIENCE)

    assert [answer["id"] for answer in told] == [1, 2]
    assert told[1]["result"]["content"][0]["text"] == "done"
    assert rest == b""
    assert [word in complaints for word in (b"astray", b"kept back", b"of a child")] == [True] * 3


HALF = r'{"jsonrpc": "2.0", "id": %s, "method": "tools/call", "params": {"name": "comment", "arguments": {"id": "a\ud800"}}}'
NO_MESSAGES = [
    ("this is no JSON", -32700, None),
    (HALF % 7, -32700, 7),
    (HALF % '"seven"', -32700, "seven"),
    (HALF % r'"\ud800"', -32700, None),
    (HALF % "true", -32700, None),
    ("[" * 100_000, -32700, None),
    ("[]", -32600, None),
    ('{"jsonrpc": "2.0", "id": 8}', -32600, 8),
    ('{"jsonrpc": "2.0", "id": 8, "result": 3}', -32600, None),
]


@pytest.mark.parametrize("era", ["legacy", "modern"])
def test_a_line_that_is_no_message_is_answered_and_the_next_one_too(served: Served, era: str) -> None:
    process = served.world.tracker("mcp", stdin=subprocess.PIPE)
    assert process.stdin
    assert process.stdout

    def ask(line: str) -> Any:
        process.stdin.write(f"\n{line}\n")
        process.stdin.flush()
        return json.loads(process.stdout.readline())

    def refusals() -> list[tuple[str, int, Any]]:
        answers = [(line, ask(line)) for line, _, _ in NO_MESSAGES]
        return [(line, answer["error"]["code"], answer["id"]) for line, answer in answers]

    assert refusals() == NO_MESSAGES
    if era == "legacy":
        assert ask(rpc(1, "initialize", HELLO))["result"]["serverInfo"]["name"] == "git-tracker"
        process.stdin.write(json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"}) + "\n")
    meta = MODERN if era == "modern" else {}
    assert ask(rpc(2, "tools/list", meta))["result"]["tools"]
    assert refusals() == NO_MESSAGES
    assert ask(rpc(3, "tools/list", meta))["result"]["tools"]
    rest, errors = process.communicate(timeout=PATIENCE)
    assert (rest, errors, process.returncode) == ("", "", 0)
