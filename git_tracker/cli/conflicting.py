"""The verbs about conflicts: what concurrent writers left to choose from, and the choice."""

from git_tracker.cli import plain
from git_tracker.cli.call import Call
from git_tracker.cli.changing import body, changed, standing
from git_tracker.errors import Invalid

_PAGE = 200

CONFLICTS = """\
tracker conflicts

Lists issues with concurrent values of a field, or concurrent edits of one
sentence of a text, that nobody has settled yet: each value with its author,
its time and its entry, and what holds meanwhile.

  --limit N               at most that many issues (50)
  --cursor CURSOR         go on where a page of --json ended (`next`)

Example: tracker conflicts
"""


def conflicts(call: Call) -> None:
    reader = call.looking()
    found = reader.conflicts(limit=call.number("limit", 50, 1, _PAGE), cursor=call.text("cursor"))
    if call.as_json:
        call.json(found)
        return
    call.print(*plain.conflicted(found["items"]))
    if not found["items"]:
        call.note("nothing is in conflict")
    if found["next"]:
        call.note(f"{len(found['items'])} of {found['total']} shown; --cursor {found['next']} goes on")


RESOLVE = """\
tracker resolve ID FIELD [VALUE]

Settles a conflict: the field has this value from now on. Of a text (FIELD is
description, or comment:PART) the value is the whole text. `none` clears an
assignee, a milestone or a due date.

  --take WHICH            one of the values as it is: its entry as
                          `tracker conflicts` shows it, `result` for what holds
                          now, `base` for what was before
  -F, --file FILE         the value from a file, - for standard input
  --rk KEY                a key of this request: sent again, it is done once

Example: tracker resolve 3f2a91c title --take 77c0de1
"""


def resolve(call: Call) -> None:
    value, take = body(call, "value"), call.text("take")
    if (value is None) == (not take):
        raise Invalid("a choice is one of VALUE, --file and --take", "`tracker conflicts` shows them", code="usage")
    changed(
        call,
        lambda store, by: store.resolve(by, call.text("id"), call.text("field"), value, take=take, rk=call.text("rk")),
        standing,
    )
