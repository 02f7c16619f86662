"""`tracker serve` as a process: where it listens, what survives a restart, how it ends."""

import json
import os
import shlex
import shutil
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from git_tracker.errors import Invalid, Unusable
from git_tracker.server.run import serve
from tests.web.serving import PATIENCE, Served, World, until


def test_an_address_that_others_can_reach_is_refused_unless_asked_for(world: World) -> None:
    for host in ("0.0.0.0", "::", "192.0.2.1", "evil.example"):
        with pytest.raises(Invalid, match="is not this machine alone") as refusal:
            serve(str(world.repo), host, 0)
        assert "--expose" in refusal.value.hint
    with world.serve("--host", "0.0.0.0", "--expose") as server:
        assert server.request("GET", "/api/health").status == 200
        assert server.request("GET", "/api/health", token="").status == 401
        assert server.request("GET", "/api/health", headers={"Host": "evil.example"}).status == 421
        name = f"{socket.gethostname()}:{server.port}"
        assert server.request("GET", "/api/health", headers={"Host": name}).status == 200


def test_a_busy_port_means_the_next_one_and_a_restart_keeps_the_secret(world: World, served: Served) -> None:
    with world.serve(port=served.port) as second:
        assert second.port > served.port
        assert second.get("/api/health")["root"] == served.get("/api/health")["root"]
        assert f":{second.port}/mcp" in second.printed
        cookie = second.request("POST", "/api/login", {"token": second.token}, token="").headers["set-cookie"]
        assert second.stop() < 3
        assert second.errors == ""
    with world.serve(port=second.port) as third:
        assert third.token == second.token
        who = third.request("GET", "/api/me", headers={"Cookie": cookie.partition(";")[0]}, token="")
        assert who.json["role"] == "writer"


def test_a_repository_without_a_tracker_is_served_empty_and_shares_nothing(served: Served, tmp_path: Path) -> None:
    other = World(tmp_path / "other", tracked=False)
    with other.serve() as server:
        assert server.get("/api/issues")["items"] == []
        assert [column["total"] for column in server.get("/api/board")["columns"]] == [0, 0, 0]
        assert server.request("POST", "/api/issues", {"title": "no"}).status in (403, 409)
        until(lambda: "`tracker init` makes one" in server.printed)

        cookie = server.request("POST", "/api/login", {"token": server.token}, token="").headers["set-cookie"]
        ours = served.request("POST", "/api/login", {"token": served.token}, token="").headers["set-cookie"]
        assert cookie.partition("=")[0] != ours.partition("=")[0]
        assert served.request("GET", "/api/me", headers={"Cookie": cookie.partition(";")[0]}, token="").status == 401
        assert served.request("GET", "/api/me", token=server.token).status == 401
    other.close()


def test_the_tokens_are_kept_for_their_owner_alone_and_never_through_a_link(served: Served, tmp_path: Path) -> None:
    home = served.world.repo / ".git/git-tracker"
    for name in ("writer-token", "observer-token"):
        assert stat.S_IMODE((home / name).stat().st_mode) == 0o600
    linked = World(tmp_path / "linked")
    secret = linked.repo / ".git/git-tracker/writer-token"
    os.symlink(tmp_path / "elsewhere", secret)
    with pytest.raises(Unusable):
        serve(str(linked.repo), port=0)
    assert not (tmp_path / "elsewhere").exists()
    linked.close()


def test_a_slow_body_is_cut_off_even_if_it_never_stops_dripping(world: World) -> None:
    with world.serve(limits="body_seconds=0.4") as server:
        head = (
            f"POST /api/issues HTTP/1.1\r\nHost: {server.host}\r\nAuthorization: Bearer {server.token}\r\n"
            "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
        )
        assert b" 408 " in server.raw(head.encode(), until=lambda got: b"slow_body" in got)
        start = time.monotonic()
        with socket.create_connection(("127.0.0.1", server.port), timeout=0.05) as connection:
            connection.sendall(head.encode())
            got = b""
            while b"slow_body" not in got and time.monotonic() < start + PATIENCE:
                connection.sendall(b" ")
                try:
                    got += connection.recv(65536)
                except TimeoutError:
                    continue
        assert b" 408 " in got
        assert time.monotonic() - start < 5
        assert server.request("POST", "/api/issues", {"title": "quick"}).status == 201


def test_without_a_key_everything_can_be_read_and_nothing_written(world: World, tmp_path: Path) -> None:
    id = world.store.create_issue(world.ada, {"title": "to read"})
    stranger = tmp_path / "stranger"
    stranger.mkdir()
    process = world.tracker
    env, world.env = world.env, world.env | {"XDG_CONFIG_HOME": str(stranger)}
    try:
        with Served(world, process("serve", "--port", "0")) as server:
            assert server.get(f"/api/issues/{id}")["title"] == "to read"
            answer = server.request("POST", "/api/issues", {"title": "no"})
            assert (answer.status, answer.code) == (403, "unauthorized")
            assert "tracker init" in answer.json["hint"]
            assert "nobody can write" in server.errors
    finally:
        world.env = env


def test_it_prints_a_page_and_a_client_that_work(served: Served) -> None:
    assert served.url == f"http://127.0.0.1:{served.port}/#token={served.token}"
    assert f'"url": "http://127.0.0.1:{served.port}/mcp"' in served.printed
    assert served.request("GET", "/", token="").body.startswith(b"<!doctype html>")


def over_stdio(printed: str) -> list[str]:
    """What an agent's client would start with what was printed."""
    client = json.JSONDecoder().raw_decode(printed.partition("or over stdio:\n")[2])[0]["mcpServers"]["git-tracker"]
    return [client["command"], *client["args"]]


@pytest.mark.parametrize("way", ["script", "on the path", "module"])
def test_the_command_it_prints_and_the_page_shows_starts_this_program(world: World, way: str) -> None:
    script = Path(sys.executable).with_name("tracker")
    git = os.path.dirname(shutil.which("git") or "")
    path = f"{script.parent}:{git}" if way == "on the path" else git
    start = {"script": [str(script)], "on the path": ["tracker"], "module": [sys.executable, "-m", "git_tracker"]}[way]
    env = world.env | {"PATH": path}
    served = subprocess.Popen(
        [str(script) if start == ["tracker"] else start[0], *start[1:], "serve", "--port", "0"],
        env=env, cwd=world.repo, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with Served(world, served) as server:
        until(lambda: server.printed.endswith("}\n\n"))
        printed = over_stdio(server.printed)
        assert printed == [*start, "-C", str(world.repo), "mcp"]
        assert [*shlex.split(server.get("/api/me")["command"]), "mcp"] == printed
        assert server.request("GET", "/api/me", token=server.observer).json["command"] == ""
    subprocess.run(printed, env=env, cwd="/", stdin=subprocess.DEVNULL, timeout=PATIENCE, check=True)
