"""The verbs that find: list, ready, board, show. They open the index and nothing else."""

from collections.abc import Sequence
from typing import Any

from git_tracker.cli import plain
from git_tracker.cli.call import Call
from git_tracker.errors import NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from git_tracker.store import Looked

Json = Any

_PAGE = 200  # rows the index gives at a time
_MOST = 1_000_000

LIST = """\
tracker list [QUERY|-QUERY...]

Finds issues: the open ones unless you ask for others, latest change first.

  --status STATUS         only issues of this status; several with commas
  --all                   done ones too
  --limit N               at most that many (50)
  --sort KEY              updated, created, priority, title or status; with
                          -asc or -desc behind it
  --cursor CURSOR         go on where a page of --json ended (`next`)

A query is words and filters; - before one negates it, OR separates groups:
  status:todo,in-progress  type:bug  label:auth  milestone:1.0  priority:<=1
  assignee:me  author:NAME  agent:ID  parent:ID  blocks:ID  id:PREFIX
  is:ready  is:blocked  is:claimed  is:conflicted  is:stale  is:overdue
  is:open  is:done  is:archived  is:imported
  created:>2026-01-01  updated:<7d  due:<7d

Example: tracker list label:bug 'priority:<=1' --sort priority
"""


def list_(call: Call) -> None:
    words = call.texts("query")
    asked = [*words, *([f'status:"{call.text("status")}"'] if call.given("status") else ())]
    if not asked and not call.given("all"):
        asked = ["is:open"]
    _list(call, [*asked, *_sort(call)], "nothing matches" if words else "no open issues")


READY = """\
tracker ready [QUERY|-QUERY...]

Lists what can be begun now: to do, not blocked, not deferred, not claimed; the
most urgent first.

  --limit N               at most that many (50)
  --sort KEY              as in `tracker list`
  --cursor CURSOR         go on where a page of --json ended (`next`)

Example: tracker ready label:backend --limit 5
"""


def ready(call: Call) -> None:
    _list(call, [*call.texts("query"), "is:ready", *_sort(call)], "nothing is ready")


def _sort(call: Call) -> list[str]:
    return [f"sort:{call.text('sort')}"] if call.given("sort") else []


def _list(call: Call, terms: Sequence[str], nothing: str) -> None:
    limit = call.number("limit", 50, 1, _MOST)
    reader = call.looking()
    text = " ".join(terms)
    page = _pages(reader, text, limit, call.text("cursor"), call.me(text) if "me" in text else "")
    if call.as_json:
        call.json(page)
        return
    items = page["items"]
    if not items:
        call.note(nothing)
    elif call.fancy:
        from git_tracker.cli import render

        render.issues(items)
    else:
        call.print(*plain.issues(items))
    if page["next"]:
        call.note(f"{len(items)} of {page['total']} shown; --limit {page['total']} shows all")


def _pages(reader: "Looked", text: str, limit: int, cursor: str, me: str) -> dict[str, Json]:
    page = reader.list_issues(text, limit=min(limit, _PAGE), cursor=cursor, me=me)
    while page["next"] and len(page["items"]) < limit:
        more = min(limit - len(page["items"]), _PAGE)
        following = reader.list_issues(text, limit=more, cursor=page["next"], me=me)
        page = {**following, "items": [*page["items"], *following["items"]]}
    return page


BOARD = """\
tracker board [QUERY|-QUERY...]

Shows a column for each status with its most urgent issues.

  --limit N               at most that many cards a column (20)

Example: tracker board milestone:1.0
"""


def board(call: Call) -> None:
    text = " ".join(call.texts("query"))
    reader = call.looking()
    found = reader.board(text, limit=call.number("limit", 20, 1, _PAGE), me=call.me(text) if "me" in text else "")
    if call.as_json:
        call.json(found)
    elif call.fancy:
        from git_tracker.cli import render

        render.board(found["columns"])
    else:
        call.print(*plain.board(found["columns"]))


SHOW = """\
tracker show ID

Shows one issue: its text, links, claim, conflicts and comments.

  --history               everything that happened to it as well

Example: tracker show 3f2a91c --history
"""


def show(call: Call) -> None:
    reader = call.looking()
    found = reader.get_issue(call.text("id"))
    history = _history(reader, found["id"]) if call.given("history") else []
    if call.as_json:
        call.json({**found, "history": history} if call.given("history") else found)
        return
    titles = {item["issue"]: row for item in found["links"] if (row := _row(reader, item["issue"]))}
    children = reader.list_issues(f"parent:{found['id']} sort:created-asc", limit=_PAGE)["items"]
    if call.fancy:
        from git_tracker.cli import render

        render.issue(found, titles, children, history)
        return
    call.print(*plain.issue(found, titles, children))
    if history:
        call.print("", "history:", *(f"  {text}" for text in plain.events(history, issue=False)))


def _history(reader: "Looked", id: str) -> list[Json]:
    page = reader.history(id, limit=_PAGE)
    items = list(page["items"])
    while page["next"]:
        page = reader.history(id, limit=_PAGE, cursor=page["next"])
        items += page["items"]
    return items


def _row(reader: "Looked", id: str) -> dict[str, Json] | None:
    try:
        return reader.row(id)
    except NotFound:
        return None
