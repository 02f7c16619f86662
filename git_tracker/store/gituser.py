"""Whom git is configured for: `user.name` and `user.email`, as git itself would take them for a commit."""

import os
from collections.abc import Callable, Mapping

from git_tracker.errors import NotFound


def person(git_dir: str, known: Callable[[], tuple[str, str] | None]) -> tuple[str, str]:
    """Return name and email; raise `NotFound` if a part is missing.

    `known` is asked for what libgit2 says, which does not see configuration that comes by environment variables.
    """
    name, email = os.environ.get("GIT_AUTHOR_NAME"), os.environ.get("GIT_AUTHOR_EMAIL")
    if not any(variable.startswith("GIT_CONFIG") for variable in os.environ) and (who := known()):
        return name or who[0], email or who[1]
    config = _config(git_dir)
    name, email = name or config.get("user.name"), email or config.get("user.email")
    if name is None or email is None:
        parts = [("user.name", name, "Your Name"), ("user.email", email, "you@example.org")]
        missing = [(key, sample) for key, value, sample in parts if value is None]
        raise NotFound(
            f"git does not know who you are: {' and '.join(key for key, _ in missing)}"
            f" {'are' if len(missing) > 1 else 'is'} not set",
            "run " + " and ".join(f'`git config --global {key} "{sample}"`' for key, sample in missing),
            code="no_identity",
        )
    return name, email


def _config(git_dir: str) -> Mapping[str, str]:
    """Return what stock git says of the user."""
    argv = ["git", "--git-dir", git_dir, "config", "--null", "--get-regexp", r"^user\."]
    told, into = os.pipe()
    where = [(os.POSIX_SPAWN_DUP2, into, 1), (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0)]
    with open(told, encoding="utf-8", errors="replace") as answer:
        try:  # importing subprocess would take longer than git does
            pid = os.posix_spawnp("git", argv, os.environ, file_actions=where)
        except OSError:
            return {}
        finally:
            os.close(into)
        lines = answer.read()
    os.waitpid(pid, 0)
    return dict(item.split("\n", 1) for item in lines.split("\0") if "\n" in item)
