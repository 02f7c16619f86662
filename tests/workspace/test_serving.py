"""One `tracker serve` for several repositories: one REST, one feed, and nothing stops for one that is gone."""

import subprocess
from typing import Any

import pytest

from git_tracker.store import IssueStore, add_repository
from tests.web.listening import Listener, Socket, Stream
from tests.web.serving import Served, until
from tests.workspace.land import Land

WAYS = pytest.mark.parametrize("way", [Socket, Stream])
Way = type[Socket] | type[Stream]


def listening(way: Way, server: Served, since: str = "") -> Listener:
    listener = way(server, since)
    assert listener.next()["type"] == "hello"
    return listener


def notes(listener: Listener) -> list[dict[str, Any]]:
    return [event for event in listener.events if event["type"] == "comment-added"]


def states(server: Served) -> dict[str, str]:
    return {one["name"]: one["state"] for one in server.get("/api/health")["repositories"]}


def test_rest_answers_for_all_and_writes_to_the_one_that_is_named(land: Land, served: Served) -> None:
    one = land.store.create_issue(land.ada, {"title": "in api"})
    two = served.request("POST", "/api/issues", {"title": "in web", "repository": "web"})
    assert (two.status, two.json["repository"], two.json["short"][:4]) == (201, "web", "web#")
    assert land.web.get_issue(two.json["id"])["author"]["id"] == "ada"
    rows = served.get("/api/issues")["items"]
    assert {(row["title"], row["repository"]) for row in rows} == {("in api", "api"), ("in web", "web")}
    assert [row["id"] for row in served.get("/api/issues?q=repo:api")["items"]] == [one]
    short = f"api%23{one[:7]}"
    issue = served.request("GET", f"/api/issues/{short}")
    changed = served.request(
        "PATCH", f"/api/issues/{short}", {"status": "in-progress"}, {"If-Match": issue.headers["etag"]}
    )
    assert (changed.status, changed.json["status"]) == (200, "in-progress")
    late = served.request("PATCH", f"/api/issues/{one}", {"status": "done"}, {"If-Match": issue.headers["etag"]})
    assert (late.status, late.code) == (412, "heads_moved")
    unsaid = served.request("POST", "/api/issues", {"title": "where"})
    assert (unsaid.status, unsaid.code) == (422, "invalid")
    stranger = served.request("POST", "/api/issues", {"title": "where", "repository": "nowhere"})
    assert (stranger.status, stranger.code) == (404, "no_such_repository")
    board = served.get("/api/board")
    assert [(column["status"], column["total"]) for column in board["columns"]][:2] == [("todo", 1), ("in-progress", 1)]
    assert served.get("/api/me")["repository"] == "land"
    assert served.get("/api/agents")["items"][0]["repositories"] == ["api", "web"]
    assert served.get("/api/agents/ada/audit?limit=1")["total"] == 3
    assert served.get("/api/quarantine") == {"items": [], "next": None, "total": 0}
    checked = served.request("POST", "/api/agents/ada/verify", {}).json
    assert (checked["ok"], {item["repository"] for item in checked["items"]}) == (True, {"api", "web"})
    paged = served.get("/api/issues?limit=1")
    following = served.get(f"/api/issues?limit=1&cursor={paged['next']}")
    assert {paged["items"][0]["id"], following["items"][0]["id"]} == {one, two.json["id"]}
    assert following["next"] is None


@WAYS
def test_one_feed_carries_every_repository_s_events_and_resumes_anywhere(land: Land, served: Served, way: Way) -> None:
    ids = [store.create_issue(land.ada, {"title": "begun"}) for store in (land.store, land.web)]
    until(lambda: served.get("/api/health")["issues"] == 2)
    with listening(way, served) as listener:
        for number in range(10):
            store, id = ((land.store, ids[0]), (land.web, ids[1]))[number % 2]
            store.comment(land.ada, id, f"note {number}")
        listener.until(lambda _: len(notes(listener)) == 10)
        seen = notes(listener)
    assert sorted(event["body"] for event in seen) == [f"note {number}" for number in range(10)]
    assert {event["repository"] for event in seen} == {"api", "web"}
    for place in (0, 4, 9):
        with listening(way, served, since=seen[place]["cursor"]) as again:
            land.web.comment(land.ada, ids[1], f"live {place}")
            again.until(lambda message, place=place: message.get("event", {}).get("body") == f"live {place}")
        missed = [event["body"] for event in notes(again)]
        assert len(missed) == len(set(missed))
        assert {event["body"] for event in seen[place + 1 :]} <= set(missed)
        assert not {event["body"] for event in seen[: place + 1]} & set(missed)


def test_listeners_that_come_while_everybody_writes_miss_and_double_nothing(land: Land, served: Served) -> None:
    ids = [store.create_issue(land.ada, {"title": "busy"}) for store in (land.store, land.web)]
    start = until(lambda: health if (health := served.get("/api/health"))["issues"] == 2 else None)["cursor"]
    for number in range(30):
        land.store.comment(land.ada, ids[0], f"api {number}")
        land.web.comment(land.ada, ids[1], f"web {number}")
        if number % 10 == 5:
            with listening(Socket, served, since=start) as listener:
                land.store.comment(land.ada, ids[0], f"mark {number}")
                listener.until(lambda m, number=number: m.get("event", {}).get("body") == f"mark {number}")
            bodies = [event["body"] for event in notes(listener)]
            assert len(bodies) == len(set(bodies))
            assert {f"api {done}" for done in range(number + 1)} <= set(bodies)


def test_a_repository_that_goes_is_named_and_one_that_comes_back_is_served(land: Land, served: Served) -> None:
    land.store.create_issue(land.ada, {"title": "stays"})
    land.web.create_issue(land.ada, {"title": "goes"})
    until(lambda: len(served.get("/api/issues")["items"]) == 2)
    with listening(Socket, served) as listener:
        land.hide("web")
        listener.until(lambda message: message["type"] == "reset")
    assert states(served) == {"api": "ok", "web": "missing"}
    assert [row["title"] for row in served.get("/api/issues")["items"]] == ["stays"]
    made = served.request("POST", "/api/issues", {"title": "meanwhile", "repository": "api"})
    assert made.status == 201
    refused = served.request("POST", "/api/issues", {"title": "nowhere", "repository": "web"})
    assert (refused.status, refused.code) == (503, "unusable")
    with listening(Socket, served) as listener:
        land.show("web")
        listener.until(lambda message: message["type"] == "reset")
    assert states(served) == {"api": "ok", "web": "ok"}
    assert {row["title"] for row in served.get("/api/issues")["items"]} == {"stays", "goes", "meanwhile"}


def test_a_repository_that_is_added_while_serving_appears_with_a_reset(land: Land, served: Served) -> None:
    land.store.create_issue(land.ada, {"title": "first"})
    before = until(lambda: health if (health := served.get("/api/health"))["issues"] == 1 else None)["cursor"]
    late = land.another("late")
    late.create_issue(land.ada, {"title": "came later"})
    with listening(Socket, served) as listener:
        add_repository(str(land.place), str(land.folder_of("late")))
        listener.until(lambda message: message["type"] == "reset")
        late.create_issue(land.ada, {"title": "and lives"})
        event = listener.until(lambda message: message.get("event", {}).get("title") == "and lives")["event"]
    assert event["repository"] == "late"
    old = served.request("GET", f"/api/events?since={before}")
    assert (old.status, old.code) == (410, "epoch_changed")
    went_on: list[dict[str, Any]] = served.get(f"/api/events?since={old.json['start']}")["items"]
    assert [item["title"] for item in went_on] == ["came later", "and lives"]


def test_a_workspace_without_any_repository_is_served_and_fills_up(land: Land) -> None:
    (land.place / ".git-tracker/config.toml").write_text('[repositories]\nsoon = "soon"\n')
    with land.serve() as server:
        assert states(server) == {"soon": "missing"}
        assert server.get("/api/issues") == {"items": [], "next": None, "total": 0}
        soon = land.another("soon")
        soon.create_issue(land.ada, {"title": "at last"})
        until(lambda: states(server) == {"soon": "ok"})
        assert [row["title"] for row in server.get("/api/issues")["items"]] == ["at last"]


def test_secrets_of_a_workspace_are_private_and_kept_out_of_git(land: Land, served: Served) -> None:
    for name in ("writer-token", "observer-token"):
        assert (land.secrets / name).stat().st_mode & 0o777 == 0o600
    land.git("init", "--quiet", land.place)
    status = land.git("-C", land.place, "status", "--porcelain", "--untracked-files=all", ".git-tracker")
    assert status.split() == ["??", ".git-tracker/.gitignore", "??", ".git-tracker/config.toml"]
    assert served.request("POST", "/api/issues", {"title": "x"}, token=served.observer).status == 403


def test_a_program_on_one_repository_sees_what_was_written_through_the_workspace(land: Land, served: Served) -> None:
    made = served.request("POST", "/api/issues", {"title": "whole", "repository": "api"}).json
    with land.entered():
        fresh = IssueStore.open(str(land.repo))
    assert fresh.verify()["ok"]
    assert fresh.get_issue(made["id"])["title"] == "whole"
    fresh.close()
    log = subprocess.run(
        ["git", "-C", land.repo, "log", "--format=%s", f"refs/git-tracker/issues/{made['id']}"],
        env=land.env, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "whole" in log.stdout
