"""The tokens of `tracker serve`: made once per repository, kept 0600, so that they survive a restart."""

import os
import secrets

from git_tracker.errors import Unusable


def token(home: str, name: str) -> str:
    """Return the token kept under a name, making it on first use."""
    path = os.path.join(home, f"{name}-token")
    try:
        if not os.path.lexists(path):
            _make(path)
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), encoding="ascii") as file:
            found = file.read().strip()
    except OSError as error:
        raise Unusable(f"the token {path} cannot be kept: {error.strerror}", "`tracker` still reads") from error
    except UnicodeDecodeError:
        found = ""
    if len(found) < 16:
        raise Unusable(f"the token file {path} is damaged", "move it away; a new one is made at the next start")
    return found


def _make(path: str) -> None:
    """Write a token under another name first: nobody ever sees half of one, and of two makers one wins."""
    new = f"{path}.{os.getpid()}"
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "w") as file:
        file.write(secrets.token_urlsafe(24) + "\n")
    try:
        os.link(new, path)
    except FileExistsError:
        pass
    finally:
        os.unlink(new)
