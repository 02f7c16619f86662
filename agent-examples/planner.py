"""An agent that plans: it turns a goal into issues that say what blocks what, all or none of them.

    python agent-examples/planner.py --repo PATH

Inside a plan an issue may have a `ref`, and others name it as `#ref` before it has an id. The request key `rk` makes it
safe to run twice: the second run is answered with the issues of the first.
"""

import argparse
import asyncio
import os
import sys
from typing import Any

from mcp import Client, StdioServerParameters
from mcp_types import Implementation


def issue(ref: str, type: str, title: str, *criteria: str, after: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    blocked_by = [f"#{other}" for other in after]
    return {"ref": ref, "type": type, "title": title, "criteria": criteria, "blocked_by": blocked_by, **more}


PLAN = [
    issue("login", "epic", "People stay signed in", description="The goal of this plan. A person closes it.", priority=1),
    issue(
        "repro", "bug", "Safari forgets the session after a restart", "a test fails without the fix",
        "the test passes with it", priority=0, labels=["auth"], parent="#login",
        description="Seen since 2.3. The cookie is set without `Max-Age`, so it ends with the browser.",
    ),
    issue(
        "refresh", "feature", "Refresh tokens before they expire", "no request is lost while a token is renewed",
        "a revoked token is never renewed", priority=1, labels=["auth", "backend"], parent="#login",
    ),
    issue(
        "race", "bug", "Two tabs renew the same token", "one renewal for both tabs", after=("refresh",), priority=1,
        labels=["auth", "frontend"], parent="#login",
    ),
    issue(
        "settings", "feature", "A switch for staying signed in", "off is the default", "the choice survives an update",
        after=("refresh",), labels=["frontend"], parent="#login",
    ),
    issue("limits", "task", "Agree on how long a session may last", "written down", labels=["docs"], parent="#login"),
    issue(
        "manual", "task", "Explain staying signed in", "names the limits", "has a picture",
        after=("settings", "limits"), labels=["docs"], parent="#login",
    ),
    issue("audit", "chore", "List who signed in from where", "exported as CSV", priority=3, labels=["backend"]),
]  # fmt: skip


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repo", default=".")
    parser.add_argument("--name", default="planner")
    options = parser.parse_args()
    tracker = StdioServerParameters(
        command=sys.executable, args=["-m", "git_tracker", "-C", options.repo, "mcp"], env=dict(os.environ)
    )  # fmt: skip
    async with Client(tracker, client_info=Implementation(name="example-planner", version="1.0")) as client:
        await client.call_tool("session_start", {"name": options.name})
        answer = await client.call_tool("create_issues", {"issues": PLAN, "rk": "example-plan-1"})
        if answer.is_error:
            sys.exit(getattr(answer.content[0], "text", "refused"))
        assert answer.structured_content is not None
        for made in answer.structured_content["items"]:
            # Titles much like another's come back as `similar`: better to look before two agents do the same.
            print(f"{options.name}: {made['id']} #{made['ref']}", *made["similar"])


if __name__ == "__main__":
    asyncio.run(main())
