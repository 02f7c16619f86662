"""The verb for several repositories as one: workspace."""

import os

from git_tracker.cli import plain
from git_tracker.cli.call import Call
from git_tracker.cli.escape import line
from git_tracker.errors import Invalid, NotFound
from git_tracker.store import Survey, add_repository, find_workspace, init_workspace, remove_repository

WORKSPACE = """\
tracker workspace ACTION [WHAT]

Joins several repositories: in the folder above them, list, ready, board, show,
log, the verbs that change an issue, serve and mcp work on all of them. Ids may
be written as NAME#ID there, and repo:NAME narrows a query.

  tracker workspace init          make this folder a workspace
  tracker workspace add PATH      add a repository
  tracker workspace list          which there are, and how they stand
  tracker workspace remove NAME   take one out; nothing in it changes

  --name NAME             what to call the repository (that of its folder)

Example: tracker workspace init && tracker workspace add ../api
"""


def workspace(call: Call) -> None:
    actions = {"init": _init, "add": _add, "list": _list, "remove": _remove}
    action, what = call.text("action"), call.text("what")
    if action not in actions:
        raise Invalid(f"no action {action!r}", f"there is {', '.join(actions)}", code="usage")
    if bool(what) != (action in ("add", "remove")):
        raise Invalid(
            f"{'WHAT is missing' if not what else f'no use for {what!r}'}", "`tracker workspace --help`", code="usage"
        )
    if call.given("name") and action != "add":
        raise Invalid("--name belongs to `tracker workspace add`", code="usage")
    actions[action](call, what)


def _init(call: Call, _: str) -> None:
    new = init_workspace(call.path)
    folder = os.path.realpath(call.path)
    _tell(call, {"folder": folder, "new": new}, f"{folder} is a workspace{' now' if new else ''}")


def _add(call: Call, path: str) -> None:
    folder = _folder(call)
    name = add_repository(folder, os.path.join(call.path, path), call.text("name"))
    _tell(call, {"folder": folder, "name": name}, f"added {name}")


def _remove(call: Call, name: str) -> None:
    folder = _folder(call)
    remove_repository(folder, name)
    _tell(call, {"folder": folder, "name": name}, f"removed {name}; the repository is as it was")


def _list(call: Call, _: str) -> None:
    survey = Survey(_folder(call), call.opened)
    found = survey.repositories()
    survey.close()
    if call.as_json:
        call.json({"items": [one._asdict() for one in found], "next": None, "total": len(found)})
    elif not found:
        call.note("no repositories yet; `tracker workspace add PATH`")
    else:
        call.print(*plain.table((one.name, one.state, one.path, one.reason) for one in found))


def _folder(call: Call) -> str:
    if folder := find_workspace(call.path):
        return folder
    raise NotFound(
        "no workspace here", "`tracker workspace init` in the folder above the repositories makes one",
        code="no_workspace",
    )  # fmt: skip


def _tell(call: Call, document: dict[str, object], text: str) -> None:
    if call.as_json:
        call.json(document)
    else:
        call.print(line(text))
