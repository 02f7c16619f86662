"""Private keys of sessions live in memory and nowhere else: a real server at work, and everything it leaves behind."""

import base64
import faulthandler
import json
import os
import subprocess
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from git_tracker.errors import NotFound
from git_tracker.store import IssueStore, Signer
from git_tracker.store.identity import signer_from_seed
from tests.web.serving import PATIENCE, World

# The server as it is, but that each draw of 32 bytes is also told through a pipe: some of them become keys.
TELLING = """
import os, sys
draw, told = os.urandom, int(sys.argv[1])
def urandom(count):
    found = draw(count)
    if count == 32:
        os.write(told, found)
    return found
os.urandom = urandom
from git_tracker.cli.main import main
sys.argv = ["tracker", "-C", sys.argv[2], "mcp"]
sys.exit(main())
"""

# Stands for git on the path: writes down what it is given, then is git.
WRITING_DOWN = """#!/bin/sh
{{ env; printf '%s\\n' "$@"; }} >> {seen}
exec {git} "$@"
"""


def spellings(seed: bytes) -> Iterator[bytes]:
    """A key as it could stand in a file or in a text."""
    public = bytes.fromhex(signer_from_seed("x", "x", seed).identity.key.hex())
    for raw in (seed, seed + public):
        yield raw
        yield from (raw.hex().encode(), raw.hex().upper().encode(), raw.hex(" ").encode(), raw.hex(":").encode())
        yield repr(raw).encode()[2:-1]
        yield json.dumps(list(raw)).encode()[1:-1]
        yield ",".join(map(str, raw)).encode()
        for shift in range(3):  # base64 of something longer that holds it
            start = (3 - shift) % 3
            part = raw[start : start + (len(raw) - start) // 3 * 3]
            yield base64.b64encode(part)
            yield base64.urlsafe_b64encode(part)


class Served:
    """`tracker mcp` over pipes; keeps every byte that comes out."""

    def __init__(self, world: World, folder: Path) -> None:
        git = subprocess.run(["which", "git"], capture_output=True, text=True, check=True).stdout.strip()
        tools, self.seen = folder / "bin", folder / "git-was-given"
        tools.mkdir()
        (tools / "git").write_text(WRITING_DOWN.format(git=git, seen=self.seen))
        (tools / "git").chmod(0o755)
        told, tell = os.pipe()
        env = world.env | {"PATH": f"{tools}:{world.env['PATH']}", "PYTHONFAULTHANDLER": "1", "TMPDIR": str(folder)}
        self.process = subprocess.Popen(
            [sys.executable, "-c", TELLING, str(tell), str(world.repo)],
            env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, pass_fds=[tell],
        )  # fmt: skip
        os.close(tell)
        self.told, self.out, self._id = told, b"", 0

    def ask(self, method: str, **params: Any) -> Any:
        self._id += 1
        self.send(method, self._id, params)
        assert self.process.stdout
        while True:
            line = self.process.stdout.readline()
            assert line, self.process.stderr and self.process.stderr.read()
            self.out += line
            answer = json.loads(line)
            if answer.get("id") == self._id:
                return answer.get("result", answer.get("error"))

    def send(self, method: str, id: int | None, params: dict[str, Any]) -> None:
        assert self.process.stdin
        message = {"jsonrpc": "2.0", "method": method, "params": params} | ({"id": id} if id else {})
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()

    def call(self, tool: str, **arguments: Any) -> Any:
        return self.ask("tools/call", name=tool, arguments=arguments)

    def process_table(self) -> bytes:
        """What others see of it and of its children."""
        shown = subprocess.run(["ps", "axeww"], capture_output=True, check=True).stdout
        folder = Path("/proc", str(self.process.pid))
        return shown + b"".join((folder / name).read_bytes() for name in ("environ", "cmdline"))

    def end(self) -> list[bytes]:
        """Close it and return every draw of 32 bytes."""
        out, err = self.process.communicate(timeout=PATIENCE)
        self.out += out + err
        with os.fdopen(self.told, "rb") as pipe:
            draws = pipe.read()
        return [draws[start : start + 32] for start in range(0, len(draws), 32)]


def at_work(served: Served) -> bytes:
    """One agent's day, mistakes included; returns what the process table showed."""
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "prober", "version": "1"}}
    served.ask("initialize", **hello)
    served.send("notifications/initialized", None, {})
    first = served.call("session_start", name="fixer")["structuredContent"]
    second = served.call("session_start", name="helper", scope={"operations": ["comment"]})["structuredContent"]
    made = served.call("create_issues", issues=[{"title": "A leak"}], session=first["session"])
    issue = made["structuredContent"]["items"][0]["id"]
    for session in (first["session"], second["session"], "no such session", ""):
        served.call("comment", id=issue, body="work", session=session)
        served.call("claim_issue", id=issue, session=session)
        served.call("get_issue", id=issue, session=session)
    served.call("update_issue", id=issue, changes={"bogus": 1}, session=first["session"])
    served.call("update_issue", id="zzz", changes=7, session=first["session"])
    served.call("no_such_tool")
    served.ask("resources/read", uri=f"tracker://agents/{first['id']}/audit")
    served.ask("resources/read", uri="tracker://nothing")
    served.ask("no/such/method")
    return served.process_table()


def test_the_key_of_a_session_is_nowhere_but_in_memory(tmp_path: Path) -> None:
    world = World(tmp_path / "world")
    served = Served(world, tmp_path)
    shown = at_work(served)
    draws = served.end()

    world.store.refresh(force=True)
    chains = {row[0] for row in world.store.reader.execute("select hex from pubkeys")}
    keys = [seed for seed in draws if signer_from_seed("x", "x", seed).identity.key.hex() in chains]
    assert len(keys) == 2  # both sessions wrote, and these are their keys
    places = {"its output": served.out, "the process table": shown}
    for path in tmp_path.rglob("*"):
        if path.is_file():
            places[str(path)] = path.read_bytes()
    assert str(served.seen) in places  # git was called, and what it was given stands there
    assert len(places) > 20
    found = [
        (name, spelling)
        for name, content in places.items()
        for seed in keys
        for spelling in spellings(seed)
        if spelling in content
    ]
    assert found == []
    objects = subprocess.run(
        ["git", "--git-dir", world.store.place.common, "cat-file", "--batch-all-objects", "--batch"],
        env=world.env, capture_output=True, check=True,
    ).stdout  # fmt: skip
    assert [spelling for seed in keys for spelling in spellings(seed) if spelling in objects] == []
    world.close()


def failed(by: IssueStore, agent: Signer) -> str:
    """A traceback with every local value, as a careless logger prints it."""
    try:
        by.comment(agent, "abcdef0", "nobody is there")
    except NotFound as error:
        told = traceback.TracebackException.from_exception(error, capture_locals=True)
        return "".join(told.format())
    raise AssertionError


def test_no_repr_and_no_traceback_shows_a_key(
    store: IssueStore, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    seeds: list[bytes] = []

    def entropy(count: int) -> bytes:
        seeds.append(os.urandom(count))
        return seeds[-1]

    store._entropy = entropy
    agent = store.delegate(store.signer(), client="c/1", label="fixer")
    key = next(
        seed
        for seed in seeds
        if len(seed) == 32 and signer_from_seed("x", "x", seed).identity.key == agent.identity.key
    )
    texts = [repr(agent), str(agent), repr(agent.identity), repr(agent.delegation), repr(agent.issuer), repr(store)]
    texts.append(failed(store, agent))
    with open(tmp_path / "stacks", "w+b") as file:
        faulthandler.dump_traceback(file)
        file.seek(0)
        texts.append(file.read().decode())
    out, err = capfd.readouterr()
    everything = "\n".join([*texts, out, err]).encode("utf-8", "surrogateescape")

    assert b"by = Signer(" in everything  # the traceback did show who signed
    assert [spelling for spelling in spellings(key) if spelling in everything] == []
