"""The workflow of the project, without the price of checking all its settings where there is little to check."""

import os

from git_tracker.store import KANBAN, Place, Workflow

FILE = "git-tracker.toml"
_UPKEEP_AFTER = 1000  # as in `server.settings`
# What a file may hold to be read here; with anything else in it, `server.settings` reads and checks the whole.
_PLAIN = {
    "workflow": {"statuses", "moves"},
    "server": {"host", "port"},
    "merge": {"status", "title", "assignee", "priority", "type", "milestone", "due"},
}


def workflow(where: Place) -> Workflow:
    """Return the workflow that the project's settings describe; raise `Invalid` for what they may not hold."""
    found = _light(files(where))
    if found is None:
        from git_tracker.server import settings

        found = settings.load(where).flow()
    return found


def upkeep_after(where: Place) -> int:
    """Return after how many writes upkeep begins by itself."""
    for path in files(where):
        with open(path, "rb") as file:
            if b"upkeep" in file.read():
                from git_tracker.server import settings

                return settings.load(where).upkeep.after
    return _UPKEEP_AFTER


def files(where: Place) -> list[str]:
    """Return the settings files that hold here: the user's, then the project's."""
    config = os.environ.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")
    found = [os.path.join(config, "git-tracker", "config.toml")]
    if where.root:
        found.append(os.path.join(where.root, FILE))
    return [path for path in found if os.path.exists(path)]


def _light(paths: list[str]) -> Workflow | None:
    """Return the workflow where the files are plain enough to be read without a model, else None."""
    if not paths:
        return KANBAN
    import tomllib

    merged: dict[str, object] = {}
    for path in paths:
        try:
            with open(path, "rb") as file:
                parsed = tomllib.load(file)
        except (OSError, ValueError):
            return None
        for section, values in parsed.items():
            if not isinstance(values, dict) or not values.keys() <= _PLAIN.get(section, set()):
                return None
        merged.update(parsed.get("workflow", {}))
    if not merged:
        return KANBAN
    statuses, moves = merged.get("statuses", dict(KANBAN.statuses)), merged.get("moves", {})
    if not (isinstance(statuses, dict) and isinstance(moves, dict)):
        return None
    if not all(isinstance(after, list) for after in moves.values()):
        return None
    return Workflow("custom", statuses, {status: tuple(after) for status, after in moves.items()})
