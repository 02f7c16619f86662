"""Settings: `git-tracker.toml` at the project root, read once at the edge and checked strictly.

It is advice for whoever writes from this work tree; a board of another shape in another clone harms nothing.
Precedence: command line, environment `TRACKER_*`, project file, user file, default.
"""

import os
import tomllib
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from git_tracker.errors import Invalid
from git_tracker.store import KANBAN, Place, Workflow, nearest

FILE = "git-tracker.toml"


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class WorkflowSettings(Section):
    """`statuses` maps each status, in board order, to todo, active or done; `moves` what may follow each."""

    statuses: dict[str, Literal["todo", "active", "done"]] = {"todo": "todo", "in-progress": "active", "done": "done"}
    moves: dict[str, list[str]] = {}


class ServerSettings(Section):
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8787


class AgentSettings(Section):
    """What agent sessions may do at most, and for how many hours a certificate holds."""

    operations: list[str] = []
    parent: str = ""
    valid_hours: Annotated[int, Field(ge=1, le=24 * 30)] = 24

    def scope(self) -> dict[str, Any]:
        return {name: value for name, value in (("operations", self.operations), ("parent", self.parent)) if value}

    def bounds(self) -> tuple[dict[str, Any], int]:
        """Return the scope and how many seconds a certificate holds."""
        return self.scope(), self.valid_hours * 3600


Strategy = Literal["last-writer", "manual"]


class MergeSettings(Section):
    """What becomes of concurrent values of a field; advice, which binds nobody before a policy says the same."""

    status: Strategy | None = None
    title: Strategy | None = None
    assignee: Strategy | None = None
    priority: Strategy | None = None
    type: Strategy | None = None
    milestone: Strategy | None = None
    due: Strategy | None = None

    def manual(self) -> list[str]:
        """Return the fields that should wait for somebody to choose."""
        return [field for field, strategy in self if strategy == "manual"]


class SyncSettings(Section):
    """Which remotes to exchange with, how often while serving (seconds; 0 for never), and how much bad one may send."""

    remotes: list[str] = []
    every: Annotated[int, Field(ge=0, le=86400)] = 0
    most_quarantined: Annotated[int, Field(ge=0)] = 1000


class UpkeepSettings(Section):
    """After how many writes small files are packed in the background; 0 for never."""

    after: Annotated[int, Field(ge=0)] = 1000


class Settings(Section):
    workflow: WorkflowSettings | None = None
    server: ServerSettings = ServerSettings()
    agents: AgentSettings = AgentSettings()
    merge: MergeSettings = MergeSettings()
    sync: SyncSettings = SyncSettings()
    upkeep: UpkeepSettings = UpkeepSettings()

    def flow(self) -> Workflow:
        """Return the workflow that the settings describe."""
        if self.workflow is None:
            return KANBAN
        moves = {status: tuple(after) for status, after in self.workflow.moves.items()}
        return Workflow("custom", self.workflow.statuses, moves)


SETTINGS: Mapping[str, Any] = {
    f"{section}.{name}": field.default
    for section, model in (
        ("workflow", WorkflowSettings),
        ("server", ServerSettings),
        ("agents", AgentSettings),
        ("merge", MergeSettings),
        ("sync", SyncSettings),
        ("upkeep", UpkeepSettings),
    )
    for name, field in model.model_fields.items()
}
_ENVIRONMENT = {"TRACKER_HOST": ("server", "host"), "TRACKER_PORT": ("server", "port")}


def load(place: Place | None, environ: Mapping[str, str] | None = None) -> Settings:
    """Return the settings that hold in a repository; raise `Invalid` that names the nearest key for an unknown one.

    Without one, as in a workspace, the user's file and the environment hold.
    """
    environ = os.environ if environ is None else environ
    config = environ.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")
    found: dict[str, dict[str, Any]] = {}
    own = place and place.root and os.path.join(place.root, FILE)
    for path in (os.path.join(config, "git-tracker", "config.toml"), own):
        if path and os.path.exists(path):
            for section, values in _parsed(path).items():
                found[section] = {**found.get(section, {}), **values} if isinstance(values, dict) else values
    for name, (section, key) in _ENVIRONMENT.items():
        if environ.get(name):
            found.setdefault(section, {})[key] = environ[name]
    try:
        return Settings.model_validate(found)
    except ValidationError as error:
        raise _said(error) from None


def _parsed(path: str) -> dict[str, Any]:
    try:
        with open(path, "rb") as file:
            return tomllib.load(file)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Invalid(f"{path} is not TOML: {error}", "mend it or move it away") from None


def _said(error: ValidationError) -> Invalid:
    first = error.errors(include_url=False)[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return Invalid(f"no setting named {key!r}", f"the nearest is {nearest(key, tuple(SETTINGS))}")
    return Invalid(f"setting {key}: {first['msg']}", "docs/SETTINGS.md lists what each takes")
