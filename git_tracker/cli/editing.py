"""The verb edit: fields by options, or title and description in the user's editor."""

import os
import subprocess
import sys
import tempfile
from typing import Any

from git_tracker.cli.call import Call
from git_tracker.cli.changing import body, changed, evidence, standing
from git_tracker.errors import Invalid, Unusable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from git_tracker.store import Signer, Tracker

Json = Any

EDIT = """\
tracker edit ID

Changes an issue. Without options it opens your editor (GIT_EDITOR,
core.editor, VISUAL, EDITOR) with title and description; in a pipe it never
does.

  --title TEXT            another title
  -d, --description TEXT  another description, in Markdown
  -F, --file FILE         the description from a file, - for standard input
  --replace OLD NEW       in the description, replace a text that occurs once
  -t, --type TYPE         task, bug, feature, epic, chore or a word of your own
  -p, --priority N        0 (most urgent) to 4
  -s, --status STATUS     as with `tracker status`
  -a, --assignee WHO      a person's handle, me or none
  --parent ID             the issue this is a part of, or none
  --due DAY               2026-01-31, or none
  --milestone NAME        the milestone it belongs to, or none
  --criterion TEXT...     adds what must hold when it is done; may be repeated
  --check ID...           marks a criterion (its id, or its place: 1, 2, …) as
                          fulfilled; may be repeated
  --evidence KIND=VALUE...  adds a commit, test, review or other proof; may be
                          repeated
  --rk KEY                a key of this request: sent again, it is done once

Example: tracker edit 3f2a91c -p 0 --replace "Safari" "Safari and Firefox"
"""

_NONE = ("parent", "due", "milestone")


def edit(call: Call) -> None:
    what = _asked(call)
    if not what and not call.given("check"):
        if not (sys.stdin.isatty() and sys.stdout.isatty()) or call.as_json:
            raise Invalid(
                "nothing to change",
                "name a field, for example --title; an editor opens on a terminal only",
                code="usage",
            )
        _in_editor(call)
        return

    def write(store: "Tracker", by: "Signer") -> str:
        if call.given("check"):
            what["check_criteria"] = _criteria(store, call)
        return store.update_issue(by, call.text("id"), what, rk=call.text("rk"))

    changed(call, write, standing)


def _asked(call: Call) -> dict[str, Json]:
    what: dict[str, Json] = {}
    for name in ("title", "type", "status", "assignee"):
        if call.given(name):
            what[name] = call.text(name)
    for name in _NONE:
        if call.given(name):
            what[name] = None if call.text(name) == "none" else call.text(name)
    if call.given("priority"):
        what["priority"] = call.number("priority", 2, 0, 4)
    if call.given("criterion"):
        what["add_criteria"] = call.texts("criterion")
    if call.given("evidence"):
        what["add_evidence"] = evidence(call)
    if (description := body(call, "description")) is not None:
        what["description"] = description
    if call.given("replace"):
        old, new = call.texts("replace")
        what["replace"] = [{"find": old, "replace": new}]
    return what


def _criteria(store: "Tracker", call: Call) -> list[str]:
    found = [item["id"] for item in store.get_issue(call.text("id"))["criteria"]]
    places = {str(number): id for number, id in enumerate(found, 1)}
    return [places.get(word, word) for word in call.texts("check")]


def _in_editor(call: Call) -> None:
    store = call.tracker()
    by = call.signer(store)
    issue = store.get_issue(call.text("id"))
    before = f"{issue['title']}\n\n{issue['description']}".rstrip() + "\n"
    after, draft = _edited(before, call.path, issue["short"])
    title, _, description = after.partition("\n")
    what = {"title": title, "description": description.strip("\n")}
    try:
        if after.strip() == before.strip():
            call.note("nothing changed")
        else:
            id = store.update_issue(by, issue["id"], what, expect=issue["heads"])
            call.print(standing(store.row(id)))
    except BaseException:
        call.note(f"your text is kept in {draft}")
        raise
    os.unlink(draft)


def _edited(text: str, path: str, name: str) -> tuple[str, str]:
    """Return what the user made of a text, and the file it is kept in."""
    asked = subprocess.run(["git", "-C", path, "var", "GIT_EDITOR"], capture_output=True, text=True, check=False)
    editor = asked.stdout.strip() or os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    descriptor, draft = tempfile.mkstemp(prefix=f"issue-{name}-", suffix=".md")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    done = subprocess.run(["/bin/sh", "-c", f'{editor} "$@"', editor, draft], check=False)
    if done.returncode:
        os.unlink(draft)
        raise Unusable(f"the editor {editor!r} ended with {done.returncode}", "nothing was changed; set GIT_EDITOR")
    with open(draft, encoding="utf-8") as file:
        return file.read(), draft
