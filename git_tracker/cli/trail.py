"""The verbs that tell who did what: log and agents."""

import time
from collections.abc import Sequence
from typing import Any

from git_tracker.cli import plain
from git_tracker.cli.call import Call
from git_tracker.store import start_cursor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from git_tracker.store import Looked

Json = Any

_PAGE = 500  # events the index gives at a time
_MOST = 1_000_000
_LOOK = 0.2  # seconds between two looks at the refs while following

LOG = """\
tracker log [ID]

Prints what happened, newest last: everywhere, or to one issue.

  --agent AGENT           only what this agent or person did (id or name)
  --since CURSOR          only what came after (the `cursor` of an event in
                          --json)
  --limit N               at most that many: the newest, or with --since the
                          next (50)
  -f, --follow            go on printing as things happen; with --json a line
                          for each event

Example: tracker log --follow --json
"""


def log(call: Call) -> None:
    limit = call.number("limit", 50, 1, _MOST)
    reader = call.looking()
    page = _events(reader, call, call.text("since"), limit)
    if call.given("follow"):
        _follow(reader, call, page)
    elif call.as_json:
        call.json(page)
    else:
        _print(call, page["items"])


def _events(reader: "Looked", call: Call, since: str, limit: int) -> dict[str, Json]:
    agent, issue = call.text("agent"), call.text("id")
    page = reader.events(since=since, limit=min(limit, _PAGE), agent=agent, issue=issue)
    if not since and limit > _PAGE:  # the feed pages forward only, so the newest of many are the end of all
        page = reader.events(since=start_cursor(page["next"]), limit=_PAGE, agent=agent, issue=issue)
    items = list(page["items"])
    while page["items"] and len(page["items"]) == _PAGE and (not since or len(items) < limit):
        page = reader.events(since=page["next"], limit=_PAGE, agent=agent, issue=issue)
        items += page["items"]
    return {**page, "items": items[:limit] if since else items[-limit:]}


def _follow(reader: "Looked", call: Call, page: dict[str, Json]) -> None:
    reader.close()
    store = call.tracker()
    while True:
        if call.as_json:
            for item in page["items"]:
                call.line(item)
        else:
            _print(call, page["items"])
        while not (found := store.events(since=page["next"], limit=_PAGE))["items"]:
            time.sleep(_LOOK)
        page = _events(store, call, page["next"], _PAGE) if call.given("agent") or call.given("id") else found
        page["next"] = found["next"]


def _print(call: Call, items: Sequence[Json]) -> None:
    if call.fancy and items:
        from git_tracker.cli import render

        render.events(items)
    else:
        call.print(*plain.events(items))
    call.flush()


AGENTS = """\
tracker agents

Lists who worked here, people and sessions of agents, latest first.

  --limit N               at most that many (100)
  --cursor CURSOR         go on where a page of --json ended (`next`)

Example: tracker agents
"""


def agents(call: Call) -> None:
    found = call.looking().agents(limit=call.number("limit", 100, 1, _PAGE), cursor=call.text("cursor"))
    items = found["items"]
    if call.as_json:
        call.json(found)
    elif not items:
        call.note("nobody wrote anything yet")
    else:
        call.print(*plain.agents(items))
        if found["next"] and not call.as_json:
            call.note(f"{len(items)} of {found['total']} shown; --cursor {found['next']} goes on")
