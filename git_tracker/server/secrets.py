"""The tokens of `tracker serve`: made once per repository, kept 0600, so that they survive a restart."""

import os
import secrets

from git_tracker.errors import Unusable


def token(home: str, name: str) -> str:
    """Return the token kept under a name, making it on first use."""
    path = os.path.join(home, f"{name}-token")
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        return _read(path)
    except OSError as error:
        raise Unusable(f"the token cannot be kept: {error.strerror}", "reads with `tracker` still work") from error
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        made = secrets.token_urlsafe(24)
        file.write(made + "\n")
    return made


def _read(path: str) -> str:
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), encoding="ascii") as file:
        found = file.read().strip()
    if len(found) < 16:
        raise Unusable(f"the token file {path} is damaged", "move it away; a new one is made at the next start")
    return found
