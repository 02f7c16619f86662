"""MCP tools over stdio against the SDK's empty call: two servers, one client, call by call in turn."""

import itertools
import sys
from collections.abc import Iterator
from pathlib import Path

import anyio
import measure
import texts
from grounds import Grounds, thousands
from measure import Row, Samples

CALLS = 150
BAR = "≤ 2.5×"


def rows(grounds: Grounds) -> Iterator[Row]:
    for size in grounds.sizes:
        found, floor = anyio.run(_measured, grounds, size)
        for tool, samples in found.items():
            yield Row(
                f"MCP `{tool}`, stdio", thousands(size), measure.shown(samples),
                f"empty call {measure.shown(floor[tool])}", measure.times(measure.ratio(samples, floor[tool])), BAR,
            )  # fmt: skip


async def _measured(grounds: Grounds, size: int) -> tuple[dict[str, Samples], dict[str, Samples]]:
    from mcp import Client, StdioServerParameters

    command, *words = [*grounds.tracker, "-C", grounds.repo(size), "mcp"]
    ours = StdioServerParameters(command=command, args=words, env=grounds.environ)
    toy = StdioServerParameters(
        command=sys.executable, args=[str(Path(__file__).with_name("toy.py"))], env=grounds.environ
    )
    async with Client(toy) as bare, Client(ours) as client:

        async def call(tool: str, **arguments: object) -> object:
            result = await client.call_tool(tool, arguments)
            if result.is_error:
                raise RuntimeError(f"{tool}: {result.content}")
            return result

        await call("session_start", name="bench")
        page = await client.call_tool("find_issues", {"query": "is:open"})
        ids = itertools.cycle([item["id"] for item in page.structured_content["items"]])
        titles = texts.titles(1)
        works = {
            "create_issues": lambda: call("create_issues", issues=[{"title": next(titles)}]),
            "find_issues": lambda: call("find_issues", query="is:open", limit=20),
            "get_issue": lambda: call("get_issue", id=next(ids)),
            "comment": lambda: call("comment", id=next(ids), body="It takes about as long as the last one."),
        }
        found: dict[str, Samples] = {}
        floor: dict[str, Samples] = {}
        for tool, work in works.items():
            floor[tool], found[tool] = await measure.calls_in_turn(
                grounds.rounds(CALLS), lambda: bare.call_tool("empty", {}), work
            )
        return found, floor
