"""An agent over HTTP, next to the page: it talks to a running `tracker serve`, as agents on a shared machine would.

    TRACKER_TOKEN=… python agent-examples/http_worker.py --url http://127.0.0.1:8787/mcp --name writer

MCP over HTTP has no sessions of its own, so `session_start` gives out a handle and every call carries it: that is how
two agents behind one token keep two keys and two trails. This one also files what it discovers on the way.
"""

import argparse
import asyncio
import os
from typing import Any

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import Implementation


class Agent:
    """One agent session. Several may share one client."""

    def __init__(self, client: Client, name: str, pace: float) -> None:
        self.client, self.name, self.pace = client, name, pace
        self.handle = ""

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool as this session, at a pace that can be watched; raise what it refuses."""
        await asyncio.sleep(self.pace)
        answer = await self.client.call_tool(tool, arguments | ({"session": self.handle} if self.handle else {}))
        content = answer.structured_content or {}
        if answer.is_error:
            code = (answer.meta or {}).get("git-tracker/error", {}).get("code", "failed")
            raise LookupError(code) if code == "nothing_ready" else RuntimeError(str(answer.content))
        return content

    async def run(self, query: str) -> None:
        started = await self.call("session_start", name=self.name)
        self.handle = started["session"]
        print(f"{self.name}: session {started['id']} for {started['person']}", flush=True)
        discovered = False
        while True:
            try:
                id = (await self.call("claim_issue", query=query, lease_minutes=10))["id"]
            except LookupError:
                if await self.is_over():
                    return
                continue
            await self.solve(id)
            if not discovered:
                await self.discover(id)
                discovered = True

    async def solve(self, id: str) -> None:
        issue = (await self.call("get_issue", id=id))["untrusted"]
        print(f"{self.name}: takes {id} {issue['title']}", flush=True)
        for criterion in issue["criteria"]:
            await self.call("update_issue", id=id, changes={"check_criteria": [criterion["id"]]})
        proof = [{"kind": "note", "value": "an example run: nothing was changed"}]
        await self.call("finish_issue", id=id, summary="Written and read once more.", evidence=proof)
        print(f"{self.name}: finished {id}", flush=True)

    async def discover(self, id: str) -> None:
        """File what came up while working, so that it is neither lost nor done on the side."""
        found = {"title": f"Look again at what {id} left open", "type": "chore", "discovered_from": [id]}
        made = (await self.call("create_issues", issues=[found], rk=f"{self.name}-{id}-left"))["items"][0]
        print(f"{self.name}: filed {made['id']}", flush=True)

    async def is_over(self) -> bool:
        """Whether nothing is ready and nobody is at work: then nothing can become ready either. Epics are for people."""
        queries = ("is:ready -type:epic", "is:claimed")
        return not any([(await self.call("find_issues", query=query, limit=1))["total"] for query in queries])


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="http://127.0.0.1:8787/mcp")
    parser.add_argument("--name", default="writer")
    parser.add_argument("--query", default="", help="which of the ready issues, for example -type:bug")
    parser.add_argument("--pace", type=float, default=1.0, help="seconds between two steps")
    options = parser.parse_args()
    # `tracker serve` prints the token; in the environment it is not seen in the list of processes.
    http = httpx2.AsyncClient(headers={"Authorization": f"Bearer {os.environ['TRACKER_TOKEN']}"})
    me = Implementation(name="example-http-worker", version="1.0")
    async with http, Client(streamable_http_client(options.url, http_client=http), client_info=me) as client:
        await Agent(client, options.name, options.pace).run(options.query)


if __name__ == "__main__":
    asyncio.run(main())
