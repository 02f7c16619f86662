"""REST, endpoint by endpoint, over a real socket."""

import subprocess
import sys
from typing import Any

import pytest

from tests.store import forge
from tests.store.forge import Forge, edited
from tests.store.governed import TrustForge
from tests.web.serving import Answer, Served, World, until


def made(served: Served, title: str = "A title", **fields: Any) -> dict[str, Any]:
    answer = served.request("POST", "/api/issues", {"title": title, **fields})
    assert answer.status == 201, answer
    issue: dict[str, Any] = answer.json
    return issue


def test_an_issue_is_created_read_changed_and_found(served: Served) -> None:
    parent = made(served, "The whole")
    issue = made(
        served, "Mend the pump", description="It **leaks**.", type="bug", priority=1, labels=["wet", "urgent"],
        parent=parent["id"], blocked_by=[parent["id"]], assignee="me", due="2030-02-28", milestone="spring",
        criteria=["It is dry"],
    )  # fmt: skip
    assert issue["status"] == "todo"
    assert issue["author"] == {"id": "ada", "name": "Ada Lovelace", "session": "", "person": "ada", "client": ""}
    assert (issue["type"], issue["priority"], issue["labels"]) == ("bug", 1, ["urgent", "wet"])
    assert (issue["parent"], issue["assignee"], issue["milestone"]) == (parent["id"], "ada", "spring")
    assert issue["due"] == "2030-02-28T00:00:00Z"
    assert issue["blocked"] is True
    assert issue["ready"] is False

    path = f"/api/issues/{issue['short']}"
    changed = served.request(
        "PATCH", path,
        {"title": "Mend both pumps", "description": "They leak.", "status": "in-progress", "priority": 0, "assignee": None,
         "add_labels": ["two"], "remove_labels": ["wet"], "parent": None, "due": None, "milestone": None,
         "check_criteria": [issue["criteria"][0]["id"]], "archived": False},
    )  # fmt: skip
    assert changed.status == 200
    now = changed.json
    assert (now["title"], now["description"], now["status"]) == ("Mend both pumps", "They leak.", "in-progress")
    assert (now["priority"], now["assignee"], now["labels"], now["parent"]) == (0, None, ["two", "urgent"], None)
    assert (now["due"], now["milestone"], now["criteria"][0]["checked"]) == (None, None, True)
    assert served.get(path) == now
    assert [row["id"] for row in served.get("/api/issues?q=label:two%20pumps")["items"]] == [issue["id"]]


def test_a_change_of_nothing_writes_nothing(served: Served) -> None:
    issue = made(served)
    again = served.request("PATCH", f"/api/issues/{issue['id']}", {"title": issue["title"], "status": "todo"})
    assert again.json["heads"] == issue["heads"]
    assert served.request("PATCH", f"/api/issues/{issue['id']}", {}).json["events"] == issue["events"]


def test_comments_claims_and_releases(served: Served) -> None:
    id = made(served)["id"]
    commented = served.request("POST", f"/api/issues/{id}/comments", {"body": "Seen.\n\nTwice."})
    assert commented.status == 201
    assert [comment["body"] for comment in commented.json["comments"]] == ["Seen.\n\nTwice."]
    claimed = served.request("POST", f"/api/issues/{id}/claim", {"lease_minutes": 5})
    assert claimed.status == 200
    assert claimed.json["claim"]["actor"]["id"] == "ada"
    assert claimed.json["status"] == "in-progress"
    released = served.request("POST", f"/api/issues/{id}/release", {"reason": "lunch"})
    assert released.json["claim"] is None
    assert released.json["status"] == "todo"
    assert served.request("POST", f"/api/issues/{id}/release", {}).code == "not_found"


def test_a_claim_that_an_agent_holds_is_refused_to_others_and_released_by_a_person(served: Served) -> None:
    world = served.world
    id = world.store.create_issue(world.ada, {"title": "held"})
    world.store.claim(world.agent(), id)
    refused = served.request("POST", f"/api/issues/{id}/claim", {})
    assert (refused.status, refused.code) == (409, "claimed")
    assert served.request("POST", f"/api/issues/{id}/release", {}).json["claim"] is None


def test_the_history_tells_everything_once_and_in_order_page_by_page(served: Served) -> None:
    id = made(served)["id"]
    for number in range(5):
        served.request("POST", f"/api/issues/{id}/comments", {"body": f"no. {number}"})
    whole = served.get(f"/api/issues/{id}/history")
    assert [event["type"] for event in whole["items"]] == ["created", *["comment-added"] * 5]
    assert whole["total"] == 6
    assert whole["next"] is None
    assert {event["verdict"] for event in whole["items"]} == {"ok"}
    assert {event["actor"]["id"] for event in whole["items"]} == {"ada"}

    pages, cursor = [], ""
    while True:
        page = served.get(f"/api/issues/{id}/history?limit=4&cursor={cursor}")
        pages.append(page["items"])
        if not (cursor := page["next"] or ""):
            break
    assert [len(page) for page in pages] == [4, 2]
    assert [event for page in pages for event in page] == whole["items"]


def test_a_list_is_paged_without_loss_or_doubles(served: Served) -> None:
    wanted = {made(served, f"paged {number}", labels=["paged"])["id"] for number in range(7)}
    seen: list[str] = []
    cursor = ""
    while True:
        page = served.get(f"/api/issues?q=label:paged%20sort:title&limit=3&cursor={cursor}")
        assert page["total"] == 7
        seen += [row["id"] for row in page["items"]]
        if not (cursor := page["next"] or ""):
            break
    assert len(seen) == 7
    assert set(seen) == wanted


def test_the_board_has_a_column_for_each_status(served: Served) -> None:
    id = made(served, "on the board")["id"]
    board = served.get("/api/board")
    assert [(column["status"], column["category"]) for column in board["columns"]] == [
        ("todo", "todo"), ("in-progress", "active"), ("done", "done"),
    ]  # fmt: skip
    assert id in [row["id"] for row in board["columns"][0]["items"]]
    served.request("PATCH", f"/api/issues/{id}", {"status": "done"})
    columns = served.get("/api/board?q=board")["columns"]
    assert [column["total"] for column in columns] == [0, 0, 1]


def test_events_are_the_newest_or_those_after_a_cursor(served: Served) -> None:
    before = served.get("/api/health")["cursor"]
    id = made(served, "followed")["id"]
    served.request("POST", f"/api/issues/{id}/comments", {"body": "more"})
    after = served.get(f"/api/events?since={before}")
    assert [event["type"] for event in after["items"]] == ["created", "comment-added"]
    assert served.get("/api/events?limit=2")["items"] == after["items"]
    assert served.get(f"/api/events?since={after['next']}")["items"] == []
    assert {event["issue"] for event in served.get(f"/api/events?issue={id[:9]}")["items"]} == {id}


def test_an_agent_is_listed_with_its_delegation_and_its_trail(served: Served) -> None:
    world = served.world
    agent = world.agent("mender")
    id = world.store.create_issue(agent, {"title": "by an agent"})
    world.store.comment(agent, id, "done so far")
    rows = {row["id"]: row for row in served.get("/api/agents")["items"]}
    assert rows[agent.sid]["name"] == "mender"
    assert (rows[agent.sid]["client"], rows[agent.sid]["person"]) == ("claude-code/2.1", "ada")
    assert (rows[agent.sid]["entries"], rows[agent.sid]["ok"], rows[agent.sid]["active"]) == (2, 2, True)
    audit = served.get(f"/api/agents/{agent.sid}/audit")
    assert audit["delegation"]["person_name"] == "Ada Lovelace"
    assert audit["delegation"]["person_key"] == world.ada.identity.fingerprint
    assert [item["verdict"] for item in audit["items"]] == ["ok", "ok"]
    assert [event["type"] for item in audit["items"] for event in item["events"]] == ["created", "comment-added"]
    assert audit["chain"] == {"entries": 2, "gaps": [], "forks": [], "ok": True}


def test_what_does_not_count_is_listed_and_counts_once_a_member_adopts_it(served: Served) -> None:
    world = served.world
    id = made(served, "an <b>odd</b> one")["id"]
    bob = forge.signer(12, "Bob", "bob@example.org")
    spoken = TrustForge(world.store).write(bob, id, {"type": "label-added", "label": "wet"})

    listed = until(lambda: served.get("/api/quarantine")["items"])
    found = next(item for item in listed if item["entry"] == spoken)
    assert (found["issue"], found["verdict"], found["adoptable"]) == (id, "muted", True)
    assert found["reason"] == f"the key {bob.identity.fingerprint} was no member's"
    assert served.get(f"/api/issues/{id}")["quarantined"] == 1
    assert next(row for row in served.get("/api/issues")["items"] if row["id"] == id)["quarantined"] == 1
    told = served.request("POST", "/api/quarantine/adopt", {"entries": [spoken]})
    assert told.status == 200
    assert world.store.trust_log()[-1]["entry"] == told.json["entry"]
    assert served.get(f"/api/issues/{id}")["labels"] == ["wet"]
    again = served.request("POST", "/api/quarantine/adopt", {"entries": [spoken]})
    assert (again.status, again.code) == (404, "not_found")


def test_an_agent_s_trail_is_checked_against_git_itself(served: Served) -> None:
    world = served.world
    agent = world.agent("checked")
    id = world.store.create_issue(agent, {"title": "a trail to check"})
    world.store.claim(agent, id)
    world.store.finish(agent, id, "done")
    world.store.update_issue(world.ada, id, {"status": "todo"})
    told = served.request("POST", f"/api/agents/{agent.sid}/verify", {})

    assert told.status == 200
    assert (told.json["ok"], told.json["entries"], told.json["problems"]) == (True, 3, [])
    assert [(item["n"], item["verdict"], item["recorded"]) for item in told.json["items"]] == [
        (n, "ok", "ok") for n in range(3)
    ]
    assert told.json["chain"]["ok"]
    undone = served.get(f"/api/agents/{agent.sid}/audit")["reopened"]
    assert [(one["issue"], one["by"]["id"]) for one in undone] == [(id, "ada")]


def test_health_knows_what_is_there(served: Served) -> None:
    made(served)
    health = served.get("/api/health")
    assert (health["status"], health["repository"], health["watching"]) == ("ok", "repo", True)
    assert health["root"] == served.world.store.root
    assert health["issues"] >= 1
    assert health["entries"] >= health["issues"]


def test_concurrent_values_are_listed_and_settled(served: Served) -> None:
    store, ada = served.world.store, served.world.ada
    id = made(served, "one title")["id"]
    assert served.get("/api/conflicts")["items"] == []
    made_by_hand, now = Forge(store), store.trust_log()[-1]["entry"]
    left = made_by_hand.add(ada, [{"type": "title-changed", "title": "Left"}], [id], auth=(now,))
    right = made_by_hand.add(served.world.agent(), [{"type": "title-changed", "title": "Right"}], [id], auth=(now,))
    both = made_by_hand.add(ada, [{"type": "comment-added", "body": "both"}], [left, right], auth=(now,))
    made_by_hand.point(id, both)

    (row,) = served.get("/api/conflicts")["items"]
    (conflict,) = served.get(f"/api/issues/{id}")["conflicts"]
    assert (row["id"], row["conflicts"]) == (id, [conflict])
    assert (conflict["field"], conflict["base"], conflict["result"]) == ("title", "one title", "Right")
    assert {value["entry"]: value["value"] for value in conflict["values"]} == {left: "Left", right: "Right"}
    for answer in (
        {"field": "title"},
        {"field": "title", "value": "x", "take": "base"},
        {"field": "title", "take": "X"},
    ):
        assert served.request("POST", f"/api/issues/{id}/resolve", answer).code == "invalid"
    late = served.request("POST", f"/api/issues/{id}/resolve", {"field": "title", "take": "f" * 40})
    assert (late.status, late.code) == (409, "no_conflict")
    for value in (3, None, ""):
        assert served.request("POST", f"/api/issues/{id}/resolve", {"field": "title", "value": value}).code == "invalid"
    settled = served.request("POST", f"/api/issues/{id}/resolve", {"field": "title", "value": "Left"})
    assert (settled.status, settled.json["title"], settled.json["conflicts"]) == (200, "Left", [])
    assert served.get("/api/conflicts")["items"] == []
    again = served.request("POST", f"/api/issues/{id}/resolve", {"field": "title", "value": "Left"})
    assert (again.status, again.code) == (409, "no_conflict")


def test_edits_of_one_sentence_are_settled_once_whatever_is_sent_again(served: Served) -> None:
    store, ada = served.world.store, served.world.ada
    old = "It leaks a little."
    id = made(served, "a text", description=old)["id"]
    forge = Forge(store)
    mine, theirs = old.replace("little", "lot"), old.replace("little", "drop")
    one, _ = forge.apart(id, (ada, [edited(old, mine)]), (served.world.agent(), [edited(old, theirs)]))
    found = served.request("GET", f"/api/issues/{id}")
    (conflict,) = found.json["conflicts"]
    assert (conflict["field"], conflict["strategy"], conflict["base"]) == ("description", "merge", old)
    assert {value["value"] for value in conflict["values"]} == {mine, theirs}

    headers = {"If-Match": found.headers["etag"], "Idempotency-Key": "choice-1"}
    answers = [
        served.request("POST", f"/api/issues/{id}/resolve", {"field": "description", "take": one[:8]}, sent)
        for sent in (headers, {"Idempotency-Key": "choice-1"})
    ]
    assert [(answer.status, answer.json["description"]) for answer in answers] == [(200, mine), (200, mine)]
    assert answers[0].json["heads"] == answers[1].json["heads"]
    assert (
        served.request("POST", f"/api/issues/{id}/resolve", {"field": "title", "value": "x"}, headers).code
        == "rk_reused"
    )


def test_if_match_refuses_what_moved_on(served: Served) -> None:
    id = made(served)["id"]
    etag = served.request("GET", f"/api/issues/{id}").headers["etag"]
    first = served.request("PATCH", f"/api/issues/{id}", {"title": "first"}, {"If-Match": etag})
    assert first.status == 200
    late = served.request("PATCH", f"/api/issues/{id}", {"title": "late"}, {"If-Match": etag})
    assert (late.status, late.code) == (412, "heads_moved")
    assert served.get(f"/api/issues/{id}")["title"] == "first"
    for tag in (first.headers["etag"], f"W/{served.request('GET', f'/api/issues/{id}').headers['etag']}", "*"):
        if tag.startswith("W/") or tag == "*":
            assert served.request("PATCH", f"/api/issues/{id}", {"priority": 3}, {"If-Match": tag}).status == 200


def test_if_match_holds_for_every_write_to_an_issue(served: Served) -> None:
    id = made(served)["id"]
    old = {"If-Match": served.request("GET", f"/api/issues/{id}").headers["etag"]}
    served.request("PATCH", f"/api/issues/{id}", {"priority": 1})
    writes = [
        ("comments", {"body": "x"}),
        ("claim", {}),
        ("release", {}),
        ("resolve", {"field": "title", "value": "x"}),
    ]
    for what, body in writes:
        assert served.request("POST", f"/api/issues/{id}/{what}", body, old).code == "heads_moved", what
    assert served.get(f"/api/issues/{id}")["events"] == 2


@pytest.mark.parametrize("tag", ['"abc"', "abc", "", '"', '"x", "y"', "W/*"])
def test_an_if_match_of_another_shape_is_refused_not_ignored(served: Served, tag: str) -> None:
    id = made(served)["id"]
    assert served.request("PATCH", f"/api/issues/{id}", {"title": "no"}, {"If-Match": tag}).code == "invalid"
    assert served.get(f"/api/issues/{id}")["title"] == "A title"


def test_a_retry_with_the_same_key_writes_nothing_twice(served: Served) -> None:
    key = {"Idempotency-Key": "retry-1"}
    first = served.request("POST", "/api/issues", {"title": "once"}, key)
    again = served.request("POST", "/api/issues", {"title": "once"}, key)
    assert (first.status, again.status) == (201, 201)
    assert again.json == first.json
    other = served.request("POST", "/api/issues", {"title": "another"}, key)
    assert (other.status, other.code) == (409, "rk_reused")

    id = first.json["id"]
    for _ in range(3):
        answer = served.request("POST", f"/api/issues/{id}/comments", {"body": "once"}, {"Idempotency-Key": "retry-2"})
        assert answer.status == 201
        assert len(answer.json["comments"]) == 1
    for method, path, body in [
        ("PATCH", "", {"status": "in-progress"}),
        ("POST", "/claim", {}),
        ("POST", "/release", {}),
    ]:
        keys = {"Idempotency-Key": f"retry-{path}"}
        events = [served.request(method, f"/api/issues/{id}{path}", body, keys).json["events"] for _ in range(2)]
        assert events[0] == events[1], path


@pytest.mark.parametrize("key", ["", "a b", "a#b", "é", "x" * 129])
def test_a_request_key_of_another_shape_is_refused(served: Served, key: str) -> None:
    before = served.get("/api/health")["entries"]
    answer = served.request("POST", "/api/issues", {"title": "x"}, {"Idempotency-Key": key})
    assert (answer.status, answer.code) == (422, "invalid")
    assert served.get("/api/health")["entries"] == before


BAD_BODIES: list[Any] = [
    b"", b"{", b"\xff", b"[]", b"null", b'"x"', b'{"title":"a","title":1}', b'{"title":NaN}', b"[" * 100_000,
    b'{"title":"\\ud800"}', b'{"title":"a\\u0000b"}', {}, {"title": ""}, {"title": "  "}, {"title": 1}, {"title": None},
    {"title": "x" * 513}, {"title": "é" * 513}, {"title": "x", "priority": 5}, {"title": "x", "priority": "1"},
    {"title": "x", "priority": True}, {"title": "x", "priority": 1.5}, {"title": "x", "labels": "bug"},
    {"title": "x", "labels": ["a" * 65]}, {"title": "x", "labels": [1]}, {"title": "x", "status": "nowhere"},
    {"title": "x", "due": "2030-02-29"}, {"title": "x", "due": "tomorrow"}, {"title": "x", "parent": "xyz"},
    {"title": "x", "titel": "y"}, {"title": "x", "description": "y" * 300_000}, {"title": "x", "description": "\0"},
    {"title": "x", "criteria": [""]}, {"title": "x", "type": "  "}, {"title": "x", "assignee": "\n"},
]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "said", "hint"),
    [
        ({"titel": "y", "title": "x"}, "nothing here is named 'titel'", "the nearest is title; "),
        ({"title": "  "}, "title is blank, or holds a NUL character", ""),
        ({"title": "x", "description": "a\0b"}, "description holds a NUL character", ""),
        ({"title": "x", "due": "tomorrow"}, "due is no day, such as 2026-01-31", ""),
    ],
)
def test_a_field_of_another_shape_is_named_in_words(served: Served, body: Any, said: str, hint: str) -> None:
    answer = served.request("POST", "/api/issues", body)
    assert answer.json["detail"].startswith(said)
    assert answer.json["hint"].startswith(hint)
    assert answer.json["hint"].endswith("GET /api/openapi.json shows the shapes")


@pytest.mark.parametrize("body", BAD_BODIES, ids=lambda body: repr(body)[:40])
def test_a_bad_issue_is_a_problem_and_leaves_no_trace(served: Served, body: Any) -> None:
    before = served.get("/api/health")["entries"]
    answer = served.request("POST", "/api/issues", body)
    assert answer.status in (422, 413), answer
    assert answer.code in ("invalid", "too_large")
    assert answer.json["detail"]
    assert served.get("/api/health")["entries"] == before


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/api/nowhere", None, 404, "not_found"),
        ("GET", "/api/issues/fffffffffff", None, 404, "not_found"),
        ("GET", "/api/issues/abc", None, 404, "not_found"),
        ("GET", "/api/issues/..%2f..%2fheads%2fmain", None, 404, "not_found"),
        ("GET", "/api/issues/-rf", None, 404, "not_found"),
        ("GET", "/api/agents/nobody/audit", None, 404, "not_found"),
        ("DELETE", "/api/issues", None, 405, "method_not_allowed"),
        ("PUT", "/api/issues/fffffffffff", None, 405, "method_not_allowed"),
        ("GET", "/api/login", None, 405, "method_not_allowed"),
        ("GET", "/api/issues?limit=0", None, 422, "invalid"),
        ("GET", "/api/issues?limit=x", None, 422, "invalid"),
        ("GET", "/api/issues?limit=1&limit=2", None, 422, "invalid"),
        ("GET", "/api/issues?unknown=1", None, 422, "invalid"),
        ("GET", "/api/issues?q=stauts:todo", None, 422, "invalid"),
        ("GET", "/api/issues?q=%22open", None, 422, "invalid"),
        ("GET", "/api/issues?q=" + "x" * 1025, None, 422, "invalid"),
        ("GET", "/api/issues?cursor=nonsense", None, 422, "invalid"),
        ("GET", "/api/events?since=nonsense", None, 422, "invalid"),
        ("GET", "/api/events?since=00000000.5", None, 410, "epoch_changed"),
        ("GET", "/api/board?q=is:nothing", None, 422, "invalid"),
        ("POST", "/api/issues", {"title": "x", "parent": "fffffffffff"}, 404, "not_found"),
        ("PATCH", "/api/issues/fffffffffff", {"title": "x"}, 404, "not_found"),
        ("POST", "/api/issues/fffffffffff/comments", {"body": "x"}, 404, "not_found"),
    ],
)  # fmt: skip
def test_every_error_is_a_problem_with_a_code(
    served: Served, method: str, path: str, body: Any, status: int, code: str
) -> None:
    answer: Answer = served.request(method, path, body)
    assert (answer.status, answer.code) == (status, code)
    if status == 405:
        assert answer.headers["allow"]


def test_who_names_what_is_not_here_is_told_which_endpoint_shows_it(served: Served) -> None:
    def hint(method: str, path: str, body: Any = None) -> str:
        return str(served.request(method, path, body).json["hint"])

    assert hint("GET", "/api/issues/fffffffffff") == "GET /api/issues shows them"
    assert hint("GET", "/api/agents/nobody/audit") == "GET /api/agents shows them"
    assert hint("POST", "/api/quarantine/adopt", {"entries": ["f" * 40]}) == "GET /api/quarantine shows them"


def test_an_unknown_filter_is_told_the_nearest_and_an_old_cursor_where_to_begin(served: Served) -> None:
    assert "status" in served.request("GET", "/api/issues?q=stauts:todo").json["hint"]
    made(served)
    old = served.request("GET", "/api/events?since=00000000.5").json
    assert served.get(f"/api/events?since={old['start']}")["items"]


def test_an_illegal_move_is_refused_and_leaves_no_trace(tmp_path: Any) -> None:
    world = World(tmp_path / "strict")
    (world.repo / "git-tracker.toml").write_text(
        '[workflow]\nstatuses = {open = "todo", doing = "active", closed = "done"}\nmoves = {open = ["doing"], doing = ["closed"]}\n'
    )
    with world.serve() as server:
        id = server.request("POST", "/api/issues", {"title": "x"}).json["id"]
        answer = server.request("PATCH", f"/api/issues/{id}", {"status": "closed"})
        assert (answer.status, answer.code) == (409, "illegal_move")
        assert "doing" in answer.json["detail"] + answer.json["hint"]
        assert server.get(f"/api/issues/{id}")["status"] == "open"
        assert [column["status"] for column in server.get("/api/board")["columns"]] == ["open", "doing", "closed"]
    world.close()


def test_a_hundred_writes_at_once_are_all_there(served: Served) -> None:
    from concurrent.futures import ThreadPoolExecutor

    id = made(served, "busy")["id"]
    with ThreadPoolExecutor(16) as pool:
        answers = list(
            pool.map(lambda n: served.request("POST", f"/api/issues/{id}/comments", {"body": f"no. {n}"}), range(100))
        )
    assert {answer.status for answer in answers} == {201}
    bodies = [comment["body"] for comment in served.get(f"/api/issues/{id}")["comments"]]
    assert sorted(bodies) == sorted(f"no. {n}" for n in range(100))


def test_a_request_never_hears_of_the_servers_insides(served: Served) -> None:
    answer = served.request("POST", "/api/issues", b'{"title":"x","labels":{"a":1}}')
    assert "pydantic" not in answer.body.decode()
    assert "Traceback" not in answer.body.decode() + served.errors
    assert "server" not in answer.headers


def test_any_http_client_can_use_it(served: Served) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import urllib.request, sys; r = urllib.request.Request(sys.argv[1], headers={'Authorization':"
         " 'Bearer ' + sys.argv[2]}); print(urllib.request.urlopen(r, timeout=10).status)",
         f"{served.origin}/api/issues", served.token],
        capture_output=True, text=True, timeout=30, env=served.world.env,
    )  # fmt: skip
    assert done.stdout.strip() == "200", done.stderr
