"""Everything this package raises on purpose, as one small tree.

Each edge (tools, web, cli) translates these classes into its own vocabulary in exactly one table, keyed by class.
Every error carries a stable `code` for programs, a message that says what is wrong, and a `hint` that says what
would work. The reader is often a model that will try again, so a hint never names a destructive command. What shows
the things of a kind has a name of its own on each edge: the error names the kind, and the edge says it.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

Kind = Literal["", "issue", "agent", "quarantined"]  # of things that a name may lead to, or not


class TrackerError(Exception):
    """Base of every deliberate error."""

    code: str = "failed"
    hint: str = ""
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, hint: str = "", *, code: str = "", kind: Kind = "") -> None:
        super().__init__(message)
        self.hint = hint or self.hint
        self.code = code or self.code
        self.kind = kind

    def told(self, shows: Mapping[Kind, str]) -> str:
        """Return the hint in the words of an edge: what of it `shows` the things of a kind."""
        where = f"{shows[self.kind]} shows them" if self.kind in shows else ""
        return "; ".join(filter(None, (self.hint, where)))

    def as_json(self, shows: Mapping[Kind, str]) -> dict[str, Any]:
        """Shape: `{"code", "message", "hint"}`, the same on every edge."""
        return {"code": self.code, "message": str(self), "hint": self.told(shows)}


class NotFound(TrackerError):
    """The named issue, comment, agent or repository is not here."""

    code = "not_found"


class Ambiguous(NotFound):
    """A prefix names more than one thing."""

    code = "ambiguous"


class Invalid(TrackerError):
    """The request breaks a rule that the caller can mend."""

    code = "invalid"


class Conflict(TrackerError):
    """Somebody else was faster: a claim, or heads that moved. Read again and decide anew."""

    code = "conflict"
    retryable = True


class Refused(TrackerError):
    """Well formed, but the workflow, a claim or a permission forbids it."""

    code = "refused"


class Unauthorized(Refused):
    """Nobody vouches for the caller."""

    code = "unauthorized"


class Corrupt(TrackerError):
    """Stored bytes break the format: bad shape, bad signature, bad chain."""

    code = "corrupt"


class Unusable(TrackerError):
    """The repository or the machine cannot do this: read-only, full, an unsupported format."""

    code = "unusable"


class EpochChanged(TrackerError):
    """A cursor belongs to an index that was rebuilt since; `start` is where to begin anew."""

    code = "epoch_changed"
    hint = "start again from the cursor in `start`"

    def __init__(self, start: str) -> None:
        super().__init__("the event numbering was rebuilt since this cursor was handed out")
        self.start = start

    def as_json(self, shows: Mapping[Kind, str]) -> dict[str, Any]:
        """Adds `start`, the cursor to begin from."""
        return super().as_json(shows) | {"start": self.start}
