"""The verbs that tell who did what and whether it counts: log, agents, audit, verify, quarantine."""

import time
from collections.abc import Sequence
from typing import Any

from git_tracker.cli import exits, plain
from git_tracker.cli.call import Call
from git_tracker.errors import Ambiguous, Corrupt, Invalid, NotFound
from git_tracker.store import Reader

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
    reader = call.reader()
    page = _events(reader, call, call.text("since"), limit)
    if call.given("follow"):
        _follow(reader, call, page)
    elif call.as_json:
        call.json(page)
    else:
        _print(call, page["items"])


def _events(reader: Reader, call: Call, since: str, limit: int) -> dict[str, Json]:
    agent, issue = call.text("agent"), call.text("id")
    page = reader.events(since=since, limit=min(limit, _PAGE), agent=agent, issue=issue)
    if not since and limit > _PAGE:  # the feed pages forward only, so the newest of many are the end of all
        page = reader.events(since=f"{page['next'].partition('.')[0]}.0", limit=_PAGE, agent=agent, issue=issue)
    items = list(page["items"])
    while page["items"] and len(page["items"]) == _PAGE and (not since or len(items) < limit):
        page = reader.events(since=page["next"], limit=_PAGE, agent=agent, issue=issue)
        items += page["items"]
    return {**page, "items": items[:limit] if since else items[-limit:]}


def _follow(reader: Reader, call: Call, page: dict[str, Json]) -> None:
    reader.close()
    store = call.store()
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

Example: tracker agents
"""


def agents(call: Call) -> None:
    items = call.reader().agents()
    if call.as_json:
        call.json({"items": items, "next": None, "total": len(items)})
    elif not items:
        call.note("nobody wrote anything yet")
    else:
        call.print(*plain.agents(items))


AUDIT = """\
tracker audit AGENT

Shows who let an agent act, and everything it did in order, with the verdict on
each signature. AGENT is an id or name as `tracker agents` lists them.

  --limit N               at most that many entries (all)

Example: tracker audit fixer
"""


def audit(call: Call) -> None:
    limit = call.number("limit", _MOST, 1, _MOST)
    reader = call.reader()
    found = reader.audit(call.text("agent"), limit=min(limit, _PAGE))
    while found["next"] and len(found["items"]) < limit:
        more = min(limit - len(found["items"]), _PAGE)
        following = reader.audit(found["agent"]["id"], limit=more, cursor=found["next"])
        found = {**following, "items": [*found["items"], *following["items"]]}
    if call.as_json:
        call.json(found)
    else:
        call.print(*plain.audit(found))


VERIFY = """\
tracker verify [ID]

Checks every signature, chain and ref against git itself, of all issues or of
one. Exit code 6 if anything is wrong.

Example: tracker verify && echo clean
"""


def verify(call: Call) -> int:
    found = call.store().verify(call.text("id"), call.progress("verifying"))
    if call.as_json:
        call.json(found)
    else:
        call.print(*plain.verified(found))
    return exits.DONE if found["ok"] else exits.UNVERIFIED


QUARANTINE = """\
tracker quarantine [list|show] [ENTRY]

Lists the entries that did not take effect, with the reason, or shows one of
them.

Example: tracker quarantine show 3f2a91c04b1d
"""


def quarantine(call: Call) -> None:
    what = call.text("show", "list")
    if what not in ("list", "show"):
        raise Invalid(f"quarantine cannot {what!r}", "`tracker quarantine list` or `… show ENTRY`", code="usage")
    if what == "list":
        items = call.reader().quarantine()
        if call.as_json:
            call.json({"items": items, "next": None, "total": len(items)})
        elif not items:
            call.note("every entry took effect")
        else:
            call.print(*plain.quarantine(items))
        return
    store = call.store()
    found = _entry(store.quarantine(), call.text("entry"))
    try:
        raw = store.objects.commit(found["entry"])
    except Corrupt:
        raw = None
    text = raw.decode("utf-8", "surrogateescape") if raw else ""
    if call.as_json:
        call.json({**found, "raw": text})
    else:
        call.print(*plain.quarantine([found]), "", *plain.indented(text or "(its bytes cannot be read)", "  "))


def _entry(items: Sequence[Json], prefix: str) -> dict[str, Json]:
    if not prefix:
        raise Invalid("ENTRY is missing", "`tracker quarantine list` shows them", code="usage")
    found: list[dict[str, Json]] = [item for item in items if item["entry"].startswith(prefix)]
    if not found:
        raise NotFound(f"no entry {prefix!r} in quarantine", "`tracker quarantine list` shows them")
    if len(found) > 1:
        raise Ambiguous(f"{prefix} names {len(found)} entries", "give more digits")
    return found[0]
