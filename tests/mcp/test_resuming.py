"""A session rests when its process ends, and goes on under its handle: the same agent, another key."""

import json
import os
from typing import Any

from mcp import Client

from tests.mcp.calling import Agent, reached, stdio
from tests.web.serving import PATIENCE, Served, World


async def begun(world: World, **start: Any) -> tuple[Any, str]:
    """A session that wrote one issue in a process of its own, which has ended."""
    async with Client(stdio(world), cache=None) as client:
        agent = Agent(client)
        started = await agent.start("resting", **start)
        issue = (await agent.call("create_issues", issues=[{"title": "Begun before"}]))["items"][0]["id"]
    return started, issue


async def test_another_process_goes_on_with_a_session_by_its_handle(served: Served) -> None:
    started, issue = await begun(served.world)
    await_same = []
    for way in ("stdio", "http"):
        async with reached(way, "auto", served) as client:
            agent = Agent(client, started["session"])
            await_same.append((await agent.call("comment", id=issue, body=f"still here, over {way}"))["session"])
    assert await_same == [started["id"]] * 2

    audit = served.world.store.audit(started["id"])
    assert [item["verdict"] for item in audit["items"]] == ["ok"] * 3
    assert audit["chain"]["ok"]
    assert len({row[0] for row in served.world.store.reader.execute(
        "select distinct chain from entries where actor = ?", (started["id"],)
    )}) == 3, "each process signs with a key of its own"  # fmt: skip


async def test_a_resumed_session_may_do_no_more_than_before(served: Served) -> None:
    started, _ = await begun(served.world, scope={"operations": ["create", "comment"]})
    issue = served.world.store.create_issue(served.world.ada, {"title": "Not to be moved"})
    async with Client(stdio(served.world), cache=None) as client:
        agent = Agent(client, started["session"])
        await agent.call("comment", id=issue, body="allowed")
        assert (await agent.refused("update_issue", id=issue, changes={"status": "done"}))["code"] == "not_allowed"


async def test_a_revoked_session_cannot_be_taken_up_again(served: Served) -> None:
    started, issue = await begun(served.world)
    served.world.store.revoke(served.world.ada, started["id"])
    async with Client(stdio(served.world), cache=None) as client:
        refused = await Agent(client, started["session"]).refused("comment", id=issue, body="back again")
    assert refused["code"] == "session_revoked"


async def test_a_session_s_id_is_no_handle(served: Served) -> None:
    started, issue = await begun(served.world)
    async with Client(stdio(served.world), cache=None) as client:
        for guess in (started["id"], "x" * 22):
            assert (await Agent(client, guess).refused("comment", id=issue, body="it is me"))["code"] == "no_session"


async def test_the_handle_in_the_environment_is_the_session_of_a_process_and_of_a_command(served: Served) -> None:
    started, issue = await begun(served.world)
    world = served.world
    parameters = stdio(world)
    parameters.env = {**world.env, "TRACKER_SESSION": started["session"]}
    async with Client(parameters, cache=None) as client:
        assert (await Agent(client).call("comment", id=issue, body="no handle said"))["session"] == started["id"]

    command = world.tracker("--json", "comment", issue, "from a shell", env=parameters.env)
    told, errors = command.communicate(timeout=PATIENCE)
    assert command.returncode == 0, errors
    last = world.store.get_issue(json.loads(told)["id"])["comments"][-1]
    assert (last["body"], last["author"]["id"]) == ("from a shell", started["id"])


async def test_only_a_digest_of_the_handle_is_kept(served: Served) -> None:
    started, _ = await begun(served.world)
    kept = os.path.join(served.world.store.home, "handles.json")
    assert os.stat(kept).st_mode & 0o777 == 0o600
    for folder, _, names in os.walk(served.world.store.place.common):
        for name in names:
            with open(os.path.join(folder, name), "rb") as file:
                assert started["session"].encode() not in file.read(), name
