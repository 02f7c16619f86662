"""Agents in a workspace: the same tools, over every repository."""

from tests.mcp.calling import Agent, reached
from tests.web.serving import Served
from tests.workspace.land import Land


async def test_an_agent_finds_claims_links_and_finishes_in_every_repository(land: Land, served: Served) -> None:
    land.web.create_issue(land.ada, {"title": "restyle", "priority": 0})
    for way in ("stdio", "http"):
        async with reached(way, "auto", served) as client:
            agent = Agent(client)
            await agent.start(f"agent-{way}")
            unsaid = await agent.refused("create_issues", issues=[{"title": "where"}])
            assert unsaid["code"] == "invalid"
            assert "api, web" in unsaid["hint"]
            plan = [
                {"title": f"serve {way}", "ref": "a", "repository": "api", "priority": 1},
                {"title": f"test {way}", "blocked_by": ["#a"]},
            ]
            made = [item["id"] for item in (await agent.call("create_issues", issues=plan))["items"]]
            assert all(id.startswith("api#") for id in made)
            found = await agent.call("find_issues", query="repo:api is:ready")
            assert made[0] in [row["id"] for row in found["items"]]
            assert all(row["id"].startswith("api#") for row in found["items"])
            taken = await agent.call("claim_issue", query=f"serve {way}", rk=f"take-{way}")
            again = await agent.call("claim_issue", query=f"serve {way}", rk=f"take-{way}")
            assert taken["id"] == again["id"] == made[0]
            other = (await agent.call("find_issues", query="repo:web"))["items"][0]["id"]
            await agent.call("link_issues", id=made[0], kind="blocks", other=other)
            shown = await agent.call("get_issue", id=other)
            assert shown["blocked"]
            assert made[0] in [link["issue"][: len(made[0])] for link in shown["links"]]
            await agent.call("comment", id=other, body="waits for the server")
            await agent.call("finish_issue", id=made[0], summary="done")
            trail = await agent.call("history", agent=f"agent-{way}", limit=40)
            assert {item["issue"].partition("#")[0] for item in trail["items"]} == {"api", "web"}
            assert {item["verdict"] for item in trail["items"]} == {"ok"}
    assert land.web.verify()["ok"]
    assert land.store.verify()["ok"]


async def test_a_session_keeps_to_its_scope_in_every_repository(land: Land, served: Served) -> None:
    mine = land.store.create_issue(land.ada, {"title": "mine"})
    other = land.web.create_issue(land.ada, {"title": "not mine"})
    async with reached("http", "auto", served) as client:
        agent = Agent(client)
        await agent.start("narrow", scope={"issues": [mine]})
        await agent.call("comment", id=mine, body="allowed")
        refused = await agent.refused("comment", id=other, body="not allowed")
    assert refused["code"] == "out_of_scope"
    assert land.web.get_issue(other)["comments"] == []


async def test_a_repository_that_is_missing_is_said_and_the_rest_works(land: Land, served: Served) -> None:
    land.store.create_issue(land.ada, {"title": "here"})
    gone = land.web.create_issue(land.ada, {"title": "there"})
    land.hide("web")
    async with reached("http", "auto", served) as client:
        agent = Agent(client)
        await agent.start()
        found = await agent.call("find_issues")
        assert [row["untrusted"]["title"] for row in found["items"]] == ["here"]
        assert (await agent.call("claim_issue"))["id"].startswith("api#")
        lost = await agent.refused("get_issue", id=gone)
        assert (lost["code"], "web" in lost["hint"]) == ("not_found", True)
