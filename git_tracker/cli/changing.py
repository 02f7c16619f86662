"""The verbs that write one thing about an issue. Each calls the store once and says how the issue stands now."""

import sys
import time
from collections.abc import Callable
from typing import Any

from git_tracker.cli.call import Call
from git_tracker.cli.escape import line
from git_tracker.errors import Invalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from git_tracker.store import Signer, Tracker

Json = Any
Write = Callable[["Tracker", "Signer"], str]

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def changed(call: Call, write: Write, tell: Callable[[dict[str, Json]], str]) -> None:
    """Write, then print the issue: with --json whole, otherwise as `tell` puts it."""
    store = call.tracker()
    id = write(store, call.signer(store))
    if call.as_json:
        call.json(store.get_issue(id))
    else:
        call.print(tell(store.row(id)))


def standing(row: dict[str, Json]) -> str:
    """Say how an issue stands: id, status, title."""
    return f"{row['short']}  {line(row['status'])}  {line(row['title'])}"


def body(call: Call, name: str) -> str | None:
    """Return a text given as an option or argument, or by --file; None if it is not given."""
    if not call.given("file"):
        return call.text(name) if call.given(name) else None
    if call.given(name):
        raise Invalid(f"--file and {name} exclude each other", "give one of them", code="usage")
    path = call.text("file")
    if path == "-":
        return _decoded(sys.stdin.buffer.read(), "standard input")
    with open(path, "rb") as file:
        return _decoded(file.read(), path)


def _decoded(content: bytes, source: str) -> str:
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n").rstrip("\n")
    except UnicodeDecodeError as error:
        raise Invalid(f"{source} is not UTF-8: byte {error.start}", "convert it, for example with iconv") from None


def seconds(text: str) -> int:
    """Return a span such as 30m, 2h or 1h30m in seconds; raise `Invalid` if it is none."""
    total, number = 0, ""
    for char in text:
        if char.isascii() and char.isdecimal() and len(number) < 9:
            number += char
        elif char in _UNITS and number:
            total, number = total + int(number) * _UNITS[char], ""
        else:
            total = -1
            break
    if total <= 0 or number:
        raise Invalid(f"{text!r} is no span of time", "write 45m, 2h, 1h30m or 3d", code="usage")
    return total


def evidence(call: Call) -> list[dict[str, str]]:
    """Return what --evidence gives, as the store takes it."""
    found = []
    for item in call.texts("evidence"):
        kind, equals, value = item.partition("=")
        if not equals or not kind or not value:
            raise Invalid(f"{item!r} is no evidence", "write KIND=VALUE, for example commit=9fceb02", code="usage")
        found.append({"kind": kind, "value": value})
    return found


NEW = """\
tracker new TITLE

Creates an issue and prints its short id.

  -d, --description TEXT  what it is about, in Markdown
  -F, --file FILE         the description from a file, - for standard input
  -t, --type TYPE         task, bug, feature, epic, chore or a word of your own
  -p, --priority N        0 (most urgent) to 4; 2 unless given
  -l, --label LABEL...    a label; may be repeated
  -a, --assignee WHO      a person's handle, or me
  -s, --status STATUS     the first status unless given
  --parent ID             the issue this is a part of
  --blocked-by ID...      an issue that has to be done first; may be repeated
  --criterion TEXT...     what must hold when it is done; may be repeated
  --due DAY               2026-01-31
  --milestone NAME        the milestone it belongs to
  --repository NAME       which one, in a workspace
  --rk KEY                a key of this request: sent again, it is done once

Example: tracker new "Login fails in Safari" -t bug -p 1 -l auth -d "Since 2.3."
"""


def new(call: Call) -> None:
    fields: dict[str, Json] = {"title": call.text("title"), "description": body(call, "description")}
    for name in ("type", "assignee", "status", "parent", "due", "milestone", "repository"):
        if call.given(name):
            fields[name] = call.text(name)
    if call.given("priority"):
        fields["priority"] = call.number("priority", 2, 0, 4)
    for name, option in (("labels", "label"), ("blocked_by", "blocked-by"), ("criteria", "criterion")):
        if call.given(option):
            fields[name] = call.texts(option)
    changed(call, lambda store, by: store.create_issue(by, fields, rk=call.text("rk")), lambda row: str(row["short"]))


STATUS = """\
tracker status ID STATUS

Moves an issue to another status, as the workflow allows it.

  --rk KEY                a key of this request: sent again, it is done once

Example: tracker status 3f2a91c in-progress
"""


def status(call: Call) -> None:
    update(call, {"status": call.text("status")})


def update(call: Call, what: dict[str, Json]) -> None:
    """Change fields of the issue that the call names."""
    changed(call, lambda store, by: store.update_issue(by, call.text("id"), what, rk=call.text("rk")), standing)


COMMENT = """\
tracker comment ID [TEXT]

Adds a comment, in Markdown.

  -F, --file FILE         the text from a file, - for standard input
  --rk KEY                a key of this request: sent again, it is done once

Example: git log -1 --format=%B | tracker comment 3f2a91c -F -
"""


def comment(call: Call) -> None:
    text = body(call, "text")
    if text is None:
        raise Invalid("TEXT is missing", '`tracker comment ID "…"`, or -F FILE', code="usage")
    changed(call, lambda store, by: store.comment(by, call.text("id"), text, rk=call.text("rk")), standing)


LABEL = """\
tracker label ID +LABEL|-LABEL...

Adds the labels that begin with + (or with nothing) and removes those that
begin with -.

  --rk KEY                a key of this request: sent again, it is done once

Example: tracker label 3f2a91c +backend -triage
"""


def label(call: Call) -> None:
    words = call.texts("label")
    what: dict[str, Json] = {
        "add_labels": [word.removeprefix("+") for word in words if not word.startswith("-")],
        "remove_labels": [word[1:] for word in words if word.startswith("-")],
    }
    changed(
        call,
        lambda store, by: store.update_issue(by, call.text("id"), what, rk=call.text("rk")),
        lambda row: f"{row['short']}  labels: {line(', '.join(row['labels'])) or 'none'}",
    )


ASSIGN = """\
tracker assign ID WHO

Says who is to do it: a person's handle, me, or none.

  --rk KEY                a key of this request: sent again, it is done once

Example: tracker assign 3f2a91c me
"""


def assign(call: Call) -> None:
    changed(
        call,
        lambda store, by: store.update_issue(by, call.text("id"), {"assignee": call.text("who")}, rk=call.text("rk")),
        lambda row: f"{row['short']}  assigned to {line(row['assignee'] or 'nobody')}",
    )


LINK = """\
tracker link ID KIND OTHER

Links an issue to another. KIND is blocks, parent, relates, duplicates,
discovered-from or supersedes.

  --rk KEY                a key of this request: sent again, it is done once

Example: tracker link 3f2a91c blocks 77c0de1
"""


def link(call: Call) -> None:
    _link(call, remove=False)


UNLINK = """\
tracker unlink ID KIND OTHER

Removes a link from an issue to another.

  --rk KEY                a key of this request: sent again, it is done once

Example: tracker unlink 3f2a91c blocks 77c0de1
"""


def unlink(call: Call) -> None:
    _link(call, remove=True)


def _link(call: Call, *, remove: bool) -> None:
    kind, other = call.text("kind"), call.text("other")
    changed(
        call,
        lambda store, by: store.link(by, call.text("id"), kind, other, remove=remove, rk=call.text("rk")),
        lambda row: f"{row['short']}  {'no longer ' if remove else ''}{line(kind)} {line(other)}",
    )


ARCHIVE = """\
tracker archive ID

Puts an issue out of sight; `tracker list is:archived` still finds it.

  --undo                  bring it back
  --rk KEY                a key of this request: sent again, it is done once

Example: tracker archive 3f2a91c
"""


def archive(call: Call) -> None:
    update(call, {"archived": not call.given("undo")})


DEFER = """\
tracker defer ID WHEN

The issue is not ready before a day or for a span of time; `none` ends it.

  --rk KEY                a key of this request: sent again, it is done once

Example: tracker defer 3f2a91c 2w
"""


def defer(call: Call) -> None:
    when = call.text("when")
    if when == "none":
        update(call, {"deferred_until": None})
    elif when[-1:] in _UNITS:
        then = time.gmtime(time.time() + seconds(when))
        update(call, {"deferred_until": time.strftime("%Y-%m-%dT%H:%M:%SZ", then)})
    else:
        update(call, {"deferred_until": when})
