"""How a command ends: exit codes, and errors in words. The one table of this edge."""

import sys

from git_tracker import errors
from git_tracker.cli import escape

DONE, FAILED, USAGE, NOT_FOUND, LOST, REFUSED, UNVERIFIED = range(7)
INTERRUPTED, PIPE_CLOSED = 130, 141  # as the shell counts deaths by SIGINT and SIGPIPE

# Looked up by an error's code first, then by its class and what that derives from.
CODES: dict[str | type[errors.TrackerError], int] = {
    "no_repository": FAILED,
    "no_identity": FAILED,
    "no_key": FAILED,
    "not_initialized": FAILED,
    errors.Invalid: USAGE,
    errors.NotFound: NOT_FOUND,
    errors.Conflict: LOST,
    errors.Refused: REFUSED,
    errors.Corrupt: UNVERIFIED,
    errors.TrackerError: FAILED,
}


SHOWS: dict[errors.Kind, str] = {
    "issue": "`tracker list`",
    "agent": "`tracker agents`",
    "quarantined": "`tracker quarantine list`",
}


def code(error: errors.TrackerError) -> int:
    """Return the exit code of an error."""
    return CODES.get(error.code) or next(CODES[kind] for kind in type(error).__mro__ if kind in CODES)


def tell(error: errors.TrackerError, *, as_json: bool) -> int:
    """Say on stderr what is wrong and what would work, with JSON on stdout if asked; return the exit code."""
    hint = f"start again from {error.start}" if isinstance(error, errors.EpochChanged) else error.told(SHOWS)
    sys.stderr.write(f"tracker: {escape.line(str(error))}\n" + (f"hint: {escape.line(hint)}\n" if hint else ""))
    if as_json:
        import json

        sys.stdout.write(json.dumps({"error": error.as_json(SHOWS)}) + "\n")
    return code(error)


def translated(error: Exception) -> errors.TrackerError:
    """Return what an unforeseen exception comes to: a failure of the machine, or a bug of ours."""
    if isinstance(error, OSError):
        what = f"{error.strerror or error}: {error.filename}" if error.filename else str(error.strerror or error)
        return errors.Unusable(what, "`tracker doctor` looks for what is wrong")
    name = type(error).__name__
    return errors.TrackerError(
        f"{name}: {error}", "this looks like a bug; TRACKER_DEBUG=1 shows where it happened", code="bug"
    )
