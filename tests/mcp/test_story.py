"""An agent at work from the first call to the last, on every way in and in both eras of the protocol."""

import asyncio
from typing import Any

import pytest
from mcp import Client

from git_tracker.server import mcp
from git_tracker.store.identity import signer_from_seed
from git_tracker.tools import Reach
from tests.mcp.calling import ERAS, WAYS, Agent, reached, text_of
from tests.web.serving import Served


@ERAS
@WAYS
async def test_an_agent_plans_claims_comments_changes_and_finishes(served: Served, way: str, era: str) -> None:
    async with reached(way, era, served) as client:
        agent = Agent(client)
        started = await agent.start("fixer", purpose="mend the tank")
        assert started["person"] == "ada"
        assert "claim_issue" in started["primer"]
        plan = await agent.call(
            "create_issues",
            issues=[
                {"title": f"Leak in the tank {way} {era}", "ref": "leak", "type": "bug", "priority": 0, "labels": [way + era],
                 "criteria": ["It is dry"]},
                {"title": "Paint it afterwards", "blocked_by": ["#leak"], "parent": "#leak", "labels": [way + era]},
            ],
        )  # fmt: skip
        leak, paint = (item["id"] for item in plan["items"])
        found = await agent.call("find_issues", query=f"is:ready label:{way + era}")
        assert [row["id"] for row in found["items"]] == [leak]

        claimed = await agent.call("claim_issue", query=f"label:{way + era}")
        assert (claimed["id"], claimed["status"], claimed["session"]) == (leak, "in-progress", started["id"])
        assert claimed["lease_until"]
        await agent.call("comment", id=leak, body="Found the **crack**.")
        seen = await agent.call("get_issue", id=leak)
        criterion = seen["untrusted"]["criteria"][0]["id"]
        assert seen["untrusted"]["comments"][0]["body"] == "Found the **crack**."
        await agent.call(
            "update_issue", id=leak, expect=seen["heads"],
            changes={"priority": 1, "add_labels": ["wet"], "check_criteria": [criterion], "description": "A crack."},
        )  # fmt: skip
        moved = await agent.refused("update_issue", id=leak, changes={"priority": 3}, expect=seen["heads"])
        assert moved["code"] == "heads_moved"
        await agent.call("update_issue", id=leak, changes={"replace": [{"find": "crack", "replace": "long crack"}]})
        await agent.call("link_issues", id=leak, kind="relates", other=paint)
        done = await agent.call(
            "finish_issue", id=leak, summary="Welded.", evidence=[{"kind": "test", "value": "make dry: passed"}]
        )
        assert (done["status"], done["lease_until"]) == ("done", None)

        whole = await agent.call("get_issue", id=leak)
        texts = whole["untrusted"]
        assert (whole["status"], whole["priority"], texts["description"]) == ("done", 1, "A long crack.")
        assert texts["evidence"] == ["test: make dry: passed"]
        assert [note["body"] for note in texts["comments"]] == ["Found the **crack**.", "Welded."]
        assert {(link["kind"], link["direction"]) for link in whole["links"]} >= {("blocks", "out"), ("relates", "out")}
        ready = await agent.call("find_issues", query=f"is:ready label:{way + era}")
        assert [row["id"] for row in ready["items"]] == [paint]

        history = await agent.call("history", id=leak, limit=40)
        assert [event["type"] for event in history["items"]][:2] == ["created", "label-added"]
        assert {event["actor"] for event in history["items"]} == {started["id"]}
        assert {event["verdict"] for event in history["items"]} == {"ok"}
        mine = await agent.call("history", agent=started["id"], limit=40)
        assert mine["total"] > history["total"]

    world = served.world
    audit = world.store.audit(started["id"])
    assert audit["agent"]["name"] == "fixer: mend the tank"
    assert audit["delegation"]["person"] == "ada"
    assert audit["chain"]["ok"]
    assert {item["verdict"] for item in audit["items"]} == {"ok"}


@ERAS
async def test_two_http_clients_get_two_keys(served: Served, era: str) -> None:
    async with reached("http", era, served) as one, reached("http", era, served) as two:
        first, second = Agent(one), Agent(two)
        if era == "auto":  # a token alone does not tell two clients apart: each opens a session and names it
            await first.start("first")
            await second.start("second")
        made = [await agent.call("create_issues", issues=[{"title": "mine"}]) for agent in (first, second)]
    audits = [served.world.store.audit(answer["session"]) for answer in made]
    assert made[0]["session"] != made[1]["session"]
    assert audits[0]["delegation"]["key"] != audits[1]["delegation"]["key"]
    assert [audit["delegation"]["person"] for audit in audits] == ["ada", "ada"]


async def test_once_somebody_took_a_handle_a_bare_call_over_the_same_token_is_refused(served: Served) -> None:
    async with reached("http", "auto", served) as one, reached("http", "auto", served) as two:
        await Agent(one).start("careful")
        error = await Agent(two).refused("create_issues", issues=[{"title": "whose?"}])
        assert error["code"] == "session_needed"
        assert "session_start" in error["hint"]
        assert (await Agent(two).call("find_issues"))["total"] >= 0  # reading needs none


@pytest.mark.parametrize(("way", "era"), [("memory", "auto"), ("memory", "legacy"), ("stdio", "auto")])
async def test_sub_agents_behind_one_process_are_told_apart_by_their_handles(
    served: Served, way: str, era: str
) -> None:
    async with reached(way, era, served) as client:
        alone = Agent(client)
        own = await alone.call("create_issues", issues=[{"title": "the first, before anybody said who it is"}])
        again = await alone.call("create_issues", issues=[{"title": "the same process is the same agent"}])
        assert own["session"] == again["session"]

        subs = [Agent(client), Agent(client)]
        ids = [(await sub.start(f"sub {number}"))["id"] for number, sub in enumerate(subs)]
        error = await alone.refused("create_issues", issues=[{"title": "whose?"}])
        assert error["code"] == "session_needed"
        assert "handle" in error["hint"]
        wrote = [await sub.call("create_issues", issues=[{"title": "mine"}]) for sub in subs]
        assert [answer["session"] for answer in wrote] == ids
        assert len({own["session"], *ids}) == 3
        named = await client.call_tool(
            "create_issues", {"issues": [{"title": "by _meta"}]}, meta={"git-tracker/session": subs[0].handle}
        )
        assert (named.structured_content or {})["session"] == ids[0]  # type: ignore[union-attr]
        assert (await Agent(client, "made-up").refused("create_issues", issues=[{"title": "x"}]))[
            "code"
        ] == "no_session"


@ERAS
async def test_one_session_of_a_process_needs_no_handle(served: Served, era: str) -> None:
    async with reached("memory", era, served) as client:
        started = await Agent(client).call("session_start", name="only")
        wrote = await Agent(client).call("create_issues", issues=[{"title": "x"}])
        assert wrote["session"] == started["id"]


@pytest.mark.parametrize("way", ["memory", "http"])
async def test_the_first_calls_may_come_side_by_side(served: Served, way: str) -> None:
    async with reached(way, "auto", served) as client:
        agents = [Agent(client) for _ in range(6)]
        started = await asyncio.gather(*(agent.start(f"side {n}") for n, agent in enumerate(agents)))
        wrote = await asyncio.gather(
            *(agent.call("create_issues", issues=[{"title": f"by {n}"}]) for n, agent in enumerate(agents))
        )
    assert [answer["session"] for answer in wrote] == [answer["id"] for answer in started]


async def test_the_first_bare_calls_side_by_side_are_one_agent(served: Served) -> None:
    async with reached("stdio", "auto", served) as client:
        wrote = await asyncio.gather(
            *(Agent(client).call("create_issues", issues=[{"title": f"parallel {n}"}]) for n in range(6))
        )
    assert len({answer["session"] for answer in wrote}) == 1


async def test_a_handle_is_of_no_use_to_another_person(served: Served) -> None:
    world = served.world
    bob = signer_from_seed("Bob", "bob@example.org", b"b" * 32)
    world.store.add_member(world.ada, bob.identity.public_key, "bob", "Bob", "bob@example.org")
    theirs = mcp.build(Reach(lambda: world.store, lambda: bob))
    async with reached("memory", "auto", served) as one, Client(theirs, cache=None) as two:
        handle = (await Agent(one).start())["session"]
        assert (await Agent(two, handle).refused("comment", id="0" * 40, body="x"))["code"] == "no_session"


@ERAS
async def test_an_observers_token_reads_and_writes_nothing(served: Served, era: str) -> None:
    async with reached("http", era, served, token=served.observer) as client:
        agent = Agent(client)
        assert "items" in await agent.call("find_issues")
        for tool, arguments in [
            ("session_start", {"name": "x"}), ("create_issues", {"issues": [{"title": "x"}]}),
            ("comment", {"id": "0" * 40, "body": "x"}),
        ]:  # fmt: skip
            assert (await agent.refused(tool, **arguments))["code"] == "unauthorized"


async def test_a_connection_of_one_token_is_not_there_for_another(served: Served) -> None:
    def post(token: str, message: dict[str, Any], **headers: str) -> Any:
        return served.request(
            "POST", "/mcp", {"jsonrpc": "2.0", **message},
            {"Accept": "application/json, text/event-stream", **headers}, token=token,
        )  # fmt: skip

    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}}
    opened = post(served.token, {"id": 1, "method": "initialize", "params": hello})
    session = {"Mcp-Session-Id": opened.headers["mcp-session-id"]}
    ask = {"id": 2, "method": "tools/list", "params": {}}
    assert post(served.token, {"method": "notifications/initialized"}, **session).status == 202
    assert post(served.token, ask, **session).status == 200
    assert post(served.observer, ask, **session).status == 404
    assert served.request("DELETE", "/mcp", headers=session, token=served.observer).status in (403, 404)
    assert post(served.token, ask, **session).status == 200
    assert post(served.token, ask, **{"Mcp-Session-Id": "0" * 32}).status == 404


@ERAS
@pytest.mark.parametrize("way", ["memory", "http"])
async def test_a_retry_with_the_same_key_writes_nothing_twice(served: Served, way: str, era: str) -> None:
    async with reached(way, era, served) as client:
        agent = Agent(client)
        await agent.start()
        plan = {"issues": [{"title": "once"}, {"title": "and once"}], "rk": "plan-1"}
        first = await agent.call("create_issues", **plan)
        assert [item["id"] for item in (await agent.call("create_issues", **plan))["items"]] == [
            item["id"] for item in first["items"]
        ]
        other = await agent.refused("create_issues", issues=[{"title": "another"}], rk="plan-1")
        assert other["code"] == "rk_reused"
        id = first["items"][0]["id"]
        for _ in range(2):
            await agent.call("claim_issue", id=id, rk="c")
            await agent.call("comment", id=id, body="once", rk="co")
            await agent.call("update_issue", id=id, changes={"add_labels": ["x"]}, rk="u")
            await agent.call("finish_issue", id=id, summary="done", rk="f")
        history = await agent.call("history", id=id, limit=40)
        types = [event["type"] for event in history["items"]]
        assert types.count("claimed") == types.count("label-added") == 1
        assert types.count("comment-added") == 2  # the comment and the summary


async def test_exactly_one_of_many_agents_wins_a_claim(served: Served) -> None:
    async with reached("http", "auto", served) as client:
        agents = [Agent(client) for _ in range(5)]
        for number, agent in enumerate(agents):
            await agent.start(f"racer {number}")
        id = (await agents[0].call("create_issues", issues=[{"title": "wanted"}]))["items"][0]["id"]
        results = await asyncio.gather(*(agent.raw("claim_issue", id=id) for agent in agents))
        assert sum(not result.is_error for result in results) == 1
        losers = [result for result in results if result.is_error]
        assert {(result.meta or {})["git-tracker/error"]["code"] for result in losers} == {"claimed"}
        assert all("\nhint: " in text_of(result) for result in losers)
        winner = agents[next(n for n, result in enumerate(results) if not result.is_error)]
        loser = next(agent for agent in agents if agent is not winner)
        assert (await loser.refused("finish_issue", id=id, summary="x"))["code"] == "claimed"
        assert (await loser.refused("release_issue", id=id))["code"] == "refused"
        assert (await winner.call("release_issue", id=id, reason="lunch"))["status"] == "todo"
