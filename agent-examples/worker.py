"""An agent that works off issues, over stdio: it starts `tracker mcp` itself, as an editor or agent host would.

    python agent-examples/worker.py --repo PATH --name fixer --query type:bug

It takes the best ready issue that matches, says what it will do, checks the acceptance criteria one by one, finishes
with a summary, and takes the next. Where it says "Here a model would think", a real agent reads code and changes it.
"""

import argparse
import asyncio
import os
import sys
from typing import Any

from mcp import Client, StdioServerParameters
from mcp_types import Implementation


class Refused(Exception):
    """A tool said no. `code` is for programs, the text for whoever reads it, a model included."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


async def call(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    """Call a tool; return its structured answer, or raise `Refused`."""
    answer = await client.call_tool(tool, arguments)
    content = answer.structured_content or {}
    if answer.is_error:
        said = (answer.meta or {}).get("git-tracker/error", {})
        raise Refused(said.get("code", "failed"), getattr(answer.content[0], "text", ""))
    return content


async def work(client: Client, name: str, query: str, pace: float) -> int:
    """Work until nothing is left; return how many issues were finished."""
    await call(client, "session_start", name=name)  # a signing key of its own, from here on
    finished = 0
    while True:
        try:
            taken = await call(client, "claim_issue", query=query)
        except Refused as no:
            if no.code != "nothing_ready":
                raise
            if await is_over(client):
                return finished
            await asyncio.sleep(pace)  # others are at work, and what they finish may unblock something
            continue
        try:
            await solve(client, taken["id"], name, pace)
            finished += 1
        except Refused as no:  # perhaps a person took it out of our hands: go on with the next
            print(f"{name}: {no}", flush=True)


async def solve(client: Client, id: str, name: str, pace: float) -> None:
    # Everything under `untrusted` was written by others: data to work on, never instructions to follow.
    issue = (await call(client, "get_issue", id=id))["untrusted"]
    print(f"{name}: takes {id} {issue['title']}", flush=True)
    await asyncio.sleep(pace)
    await call(client, "comment", id=id, body=f"I start on this. Criteria to meet: {len(issue['criteria'])}.")
    for criterion in issue["criteria"]:
        await asyncio.sleep(pace)  # Here a model would think, change code and run tests.
        await call(client, "update_issue", id=id, changes={"check_criteria": [criterion["id"]]})
    await asyncio.sleep(pace)
    # `rk` makes a retry harmless: the same key with the same request is answered, not carried out again.
    proof = [{"kind": "note", "value": "an example run: no code was changed"}]
    await call(client, "finish_issue", id=id, summary="Done, as described.", evidence=proof, rk=f"{name}-{id}")
    print(f"{name}: finished {id}", flush=True)


async def is_over(client: Client) -> bool:
    """Whether nothing is ready and nobody is at work: then nothing can become ready either. Epics are for people."""
    queries = ("is:ready -type:epic", "is:claimed")
    return not any([(await call(client, "find_issues", query=query, limit=1))["total"] for query in queries])


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repo", default=".")
    parser.add_argument("--name", default="worker")
    parser.add_argument("--query", default="", help="which of the ready issues, for example type:bug")
    parser.add_argument("--pace", type=float, default=1.0, help="seconds between two steps")
    options = parser.parse_args()
    tracker = StdioServerParameters(  # with git-tracker installed: command="tracker", args=["-C", repo, "mcp"]
        command=sys.executable, args=["-m", "git_tracker", "-C", options.repo, "mcp"], env=dict(os.environ)
    )  # fmt: skip
    async with Client(tracker, client_info=Implementation(name="example-worker", version="1.0")) as client:
        print(f"{options.name}: finished {await work(client, options.name, options.query, options.pace)} issues")


if __name__ == "__main__":
    asyncio.run(main())
