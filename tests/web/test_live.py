"""The live feed: every event once and in order, on whichever way a page listens, whoever wrote it."""

import socket
import time
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from tests.web.listening import Listener, Socket, Stream
from tests.web.serving import PATIENCE, Client, Served, World, until

WAYS = pytest.mark.parametrize("way", [Socket, Stream])
Way = type[Socket] | type[Stream]


def listening(way: Way, server: Client, since: str = "") -> Listener:
    """Listen, and be sure that the server knows."""
    listener = way(server, since)
    assert listener.next()["type"] == "hello"
    return listener


@WAYS
def test_every_event_comes_once_and_in_order_whoever_wrote_it(served: Served, way: Way) -> None:
    world = served.world
    agent = world.agent()
    with listening(way, served) as first, listening(way, served) as second:
        start = served.get("/api/health")["cursor"]
        id = served.request("POST", "/api/issues", {"title": "by REST"}).json["id"]
        world.store.comment(agent, id, "by another process")
        world.store.create_issues(agent, [{"title": f"plan {number}"} for number in range(5)])
        served.request("POST", f"/api/issues/{id}/comments", {"body": "by REST again"})
        newest = served.get("/api/health")["cursor"]
        first.until_cursor(newest)
        second.until_cursor(newest)
        expected = served.get(f"/api/events?since={start}")["items"]
    assert len(expected) == 8
    assert first.events == expected
    assert second.events == expected
    assert expected[1]["actor"]["name"] == "fixer"
    assert {event["verdict"] for event in expected} == {"ok"}


@WAYS
def test_a_cursor_resumes_without_loss_or_doubles(served: Served, way: Way) -> None:
    world = served.world
    id = world.store.create_issue(world.ada, {"title": "resumed"})
    with listening(way, served) as listener:
        world.store.comment(world.ada, id, "seen")
        seen = listener.until(lambda message: message.get("event", {}).get("body") == "seen")["event"]
    for number in range(6):  # more than a page of the index, written at once
        world.store.create_issues(world.ada, [{"title": f"missed {number * 100 + more}"} for more in range(100)])
    missed = world.store.events(since=seen["cursor"], limit=500)["items"]
    with listening(way, served, since=seen["cursor"]) as again:
        world.store.comment(world.ada, id, "live")
        again.until(lambda message: message.get("event", {}).get("body") == "live")
    assert again.events[:500] == missed
    start = int(seen["cursor"].partition(".")[2])
    assert [int(event["cursor"].partition(".")[2]) for event in again.events] == list(range(start + 1, start + 602))


def test_last_event_id_resumes_a_stream(served: Served) -> None:
    world = served.world
    with listening(Stream, served) as listener:
        assert isinstance(listener, Stream)
        assert listener.headers["content-type"].startswith("text/event-stream")
        id = world.store.create_issue(world.ada, {"title": "streamed"})
        listener.until(lambda message: message["type"] == "event")
        last = listener.last_id
    world.store.comment(world.ada, id, "missed")
    with Stream(served, since=last, resume=True) as again:
        again.until(lambda message: message["type"] == "event")
    assert [event["type"] for event in again.events] == ["comment-added"]
    assert last == world.store.events(issue=id)["items"][0]["cursor"]


@WAYS
@pytest.mark.parametrize("since", ["00000000.7", "nonsense", "{epoch}.999999999999", "x" * 500])
def test_a_cursor_of_another_numbering_means_begin_again(served: Served, way: Way, since: str) -> None:
    world = served.world
    health = served.get("/api/health")
    with listening(way, served, since=since.format(epoch=health["epoch"])) as listener:
        reset = listener.until(lambda message: message["type"] == "reset")
        assert reset["cursor"] == served.get("/api/health")["cursor"]
        id = world.store.create_issue(world.ada, {"title": "after it"})
        event = listener.until(lambda message: message["type"] == "event")["event"]
    assert event["issue"] == id
    assert len(listener.events) == 1


@pytest.mark.parametrize("headers", [
    {}, {"Origin": "http://evil.example"}, {"Authorization": "Bearer wrong"},
    {"Authorization": "Bearer {token}", "Origin": "http://evil.example"},
    {"Authorization": "Bearer {token}", "Origin": "null"},
    {"Cookie": "{cookie}"}, {"Cookie": "{cookie}", "Origin": "http://127.0.0.1:1"},
    {"Origin": "{origin}"},
])  # fmt: skip
def test_a_socket_from_elsewhere_is_closed_before_it_opens(served: Served, headers: dict[str, str]) -> None:
    cookie = cookie_of(served)
    sent = {
        name: value.format(token=served.token, cookie=cookie, origin=served.origin) for name, value in headers.items()
    }
    with pytest.raises(InvalidStatus) as refusal:
        Socket(served, headers=sent)
    assert refusal.value.response.status_code == 403


def cookie_of(served: Served) -> str:
    answer = served.request("POST", "/api/login", {"token": served.token}, token="")
    return answer.headers["set-cookie"].partition(";")[0]


def test_the_pages_cookie_opens_a_socket(served: Served) -> None:
    with Socket(served, headers={"Cookie": cookie_of(served), "Origin": served.origin}) as page:
        hello = page.next()
    assert (hello["me"]["person"], hello["me"]["role"]) == ("ada", "writer")


def test_an_observer_listens_too(served: Served) -> None:
    with Socket(served, headers={"Authorization": f"Bearer {served.observer}"}) as observer:
        assert observer.next()["me"]["role"] == "observer"
        id = served.world.store.create_issue(served.world.ada, {"title": "observed"})
        assert observer.until(lambda message: message["type"] == "event")["event"]["issue"] == id


def test_everybody_hears_who_is_here_and_what_they_look_at(served: Served) -> None:
    with Socket(served) as one, Socket(served) as two:
        me, other = one.next()["me"]["id"], two.next()["me"]["id"]
        two.say(type="viewing", issue="a" * 40)
        two.say(type="editing", issue="a" * 40)

        def here(listener: Socket) -> dict[str, object]:
            people = listener.until(lambda message: message["type"] == "presence")["people"]
            return {person["id"]: (person["name"], person["viewing"], person["editing"]) for person in people}

        seen = {"Ada Lovelace"}
        while (found := here(one)).get(other) != ("Ada Lovelace", "a" * 40, "a" * 40):
            seen |= {str(value) for value in found}
        assert found[me] == ("Ada Lovelace", None, None)
        two.close()
        while other in here(one):
            pass


@pytest.mark.parametrize(
    "text", ["", "{", "[" * 900, "null", '{"type":"viewing","issue":{}}', '{"type":"viewing","issue":"<b>"}',
             '{"type":"event"}', "x" * 2000, '{"type":"viewing","issue":"\\ud800"}'],
)  # fmt: skip
def test_what_a_page_says_of_itself_is_ignored_if_it_is_nonsense(served: Served, text: str) -> None:
    with Socket(served) as page:
        me = page.next()["me"]["id"]
        page.connection.send(text)
        page.say(type="viewing", issue="b" * 40)
        people = page.until(
            lambda message: (
                message["type"] == "presence" and any(person["viewing"] == "b" * 40 for person in message["people"])
            )
        )["people"]
    assert [person["editing"] for person in people if person["id"] == me] == [None]
    assert "Traceback" not in served.errors


def test_bytes_and_giants_end_the_connection_and_nothing_else(served: Served) -> None:
    for frame in (b"\x00\xff", "x" * 100_000):
        with Socket(served) as page:
            page.next()
            page.connection.send(frame)
            with pytest.raises(EOFError):
                page.until(lambda message: False)
    assert served.get("/api/health")["status"] == "ok"
    assert "Traceback" not in served.errors


def test_a_write_by_another_process_arrives_at_once(served: Served) -> None:
    world = served.world
    id = world.store.create_issue(world.ada, {"title": "measured"})
    took = []
    with listening(Socket, served) as page:
        for number in range(25):
            world.store.comment(world.ada, id, f"no. {number}")
            acknowledged = time.perf_counter()
            wanted = f"no. {number}"
            page.until(lambda message, wanted=wanted: message.get("event", {}).get("body") == wanted)  # type: ignore[misc]
            took.append((time.perf_counter() - acknowledged) * 1000)
    took.sort()
    print(f"outside write to page: median {took[12]:.0f} ms, worst {took[-1]:.0f} ms")


def test_packing_refs_breaks_nothing(served: Served) -> None:
    world = served.world
    id = world.store.create_issue(world.ada, {"title": "packed"})
    expected = []
    with listening(Socket, served, since=served.get("/api/health")["cursor"]) as page:
        for number in range(3):
            world.git("-C", world.repo, "pack-refs", "--all", "--prune")
            assert not (world.repo / ".git/refs/git-tracker/issues").exists()
            world.store.comment(world.ada, id, f"no. {number}")
            expected += [id, new := world.store.create_issue(world.ada, {"title": f"new {number}"})]
            page.until(lambda message, new=new: message.get("event", {}).get("issue") == new)  # type: ignore[misc]
        world.git("-C", world.repo, "gc", "--quiet", "--prune=now")
        world.store.comment(world.ada, id, "after gc")
        page.until(lambda message: message.get("event", {}).get("body") == "after gc")
    assert [event["issue"] for event in page.events] == [*expected, id]


def test_a_rebuilt_index_tells_every_page_to_begin_again(served: Served) -> None:
    world = served.world
    with listening(Socket, served) as page, listening(Stream, served) as stream:
        world.store.rebuild()
        id = world.store.create_issue(world.ada, {"title": "in the new epoch"})
        for listener in (page, stream):
            reset = listener.until(lambda message: message["type"] == "reset")
            assert reset["cursor"].partition(".")[0] == served.get("/api/health")["epoch"]
        world.store.comment(world.ada, id, "and on it goes")
        for listener in (page, stream):
            listener.until(lambda message: message.get("event", {}).get("body") == "and on it goes")


def test_a_reader_that_falls_behind_begins_again_and_one_that_reads_nothing_is_dropped(tmp_path: Path) -> None:
    world = World(tmp_path / "hasty")
    id = world.store.create_issue(world.ada, {"title": "long"})
    for _ in range(60):  # more than any buffer on the way holds
        world.store.comment(world.ada, id, "x" * 250_000)
    with world.serve(limits="queue=5, send_seconds=0.5") as server:
        epoch = server.get("/api/health")["epoch"]
        sockets = [deaf(server, f"/ws?since={epoch}.0", upgrade=True), deaf(server, f"/events?since={epoch}.0")]
        with listening(Socket, server) as page:
            gone = page.until(lambda message: message["type"] == "presence" and len(message["people"]) == 1)
            assert gone["people"][0]["name"] == "Ada Lovelace"
            world.store.create_issues(world.ada, [{"title": f"burst {number}"} for number in range(50)])
            page.until(lambda message: message["type"] == "reset")
            world.store.comment(world.ada, id, "after the burst")
            page.until(lambda message: message.get("event", {}).get("body") == "after the burst")
        for connection in sockets:
            assert rest_of(connection) < 60 * 250_000  # it was cut off, not served to the end
            connection.close()
        assert "Traceback" not in server.errors
    world.close()


def deaf(server: Client, path: str, *, upgrade: bool = False) -> socket.socket:
    """Ask for a stream and read nothing of it."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(PATIENCE)
    connection.connect(("127.0.0.1", server.port))
    more = (
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + "A" * 22 + "==\r\n"
        if upgrade else ""
    )  # fmt: skip
    connection.sendall(
        f"GET {path} HTTP/1.1\r\nHost: {server.host}\r\nAuthorization: Bearer {server.token}\r\n{more}\r\n".encode()
    )
    return connection


def rest_of(connection: socket.socket) -> int:
    """Read what is left until the end; return how much it was."""
    size = 0
    while True:
        try:
            part = connection.recv(2**20)
        except ConnectionResetError:
            return size
        if not part:
            return size
        size += len(part)


def test_where_nothing_can_be_watched_it_looks_every_second_and_says_so(tmp_path: Path) -> None:
    world = World(tmp_path / "unwatched")
    id = world.store.create_issue(world.ada, {"title": "seen late"})
    program = """
import sys, watchfiles
def refused(*_, **__):
    raise OSError("inotify watch limit reached")
watchfiles.awatch = refused
from git_tracker.server.run import serve
serve(sys.argv[1], port=0)
"""
    with Served(world, world.python(program)) as server:
        until(lambda: "looking once a second" in server.errors)
        assert server.get("/api/health")["watching"] is False
        with listening(Socket, server) as page:
            world.store.comment(world.ada, id, "late but there")
            page.until(lambda message: message.get("event", {}).get("body") == "late but there")
    world.close()
