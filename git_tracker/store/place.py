"""Where a repository keeps its things: found without git and without libgit2, since every command starts here.

Follows gitrepository-layout(5): `.git` may be a folder, a file that points to one (linked worktrees, submodules) or
the folder itself (a bare repository); worktrees share the common directory, and so do we.
"""

import os
from typing import NamedTuple

from git_tracker.errors import NotFound, TrackerError, Unusable

_HINT = "run it inside a git repository, name one with -C PATH, or create one with `git init`"


class Place(NamedTuple):
    """Absolute paths: the git directory of this worktree, the one all worktrees share, and the work tree or None."""

    git_dir: str
    common: str
    root: str | None

    @property
    def home(self) -> str:
        """Our own folder, shared by all worktrees."""
        return os.path.join(self.common, "git-tracker")

    @property
    def name(self) -> str:
        """What people call the repository."""
        folder = os.path.dirname(self.common) if os.path.basename(self.common) == ".git" else self.common
        return os.path.basename(folder).removesuffix(".git") or "repository"


def find(start: str = ".", environ: "os._Environ[str] | dict[str, str] | None" = None) -> Place:
    """Return the place of the repository around `start`; raise `NotFound` or `Unusable`.

    `GIT_DIR`, which git sets for hooks, counts only for the folder the program runs in: a path named by the user wins.
    """
    environ = os.environ if environ is None else environ
    if not os.path.isdir(start):
        raise NotFound(f"no folder {start}", _HINT, code="no_repository")
    if environ.get("GIT_DIR") and start == ".":
        git_dir = os.path.abspath(environ["GIT_DIR"])
        if not _is_git_dir(git_dir):
            raise NotFound(
                f"GIT_DIR is set to {environ['GIT_DIR']}, which is no git repository",
                "unset GIT_DIR",
                code="no_repository",
            )
        return _place(git_dir, _work_tree(git_dir, environ))
    folder = os.path.realpath(start)
    while True:
        if found := _git_dir(os.path.join(folder, ".git")):
            return _place(found, folder)
        if _is_git_dir(folder):
            return _place(folder, None)
        parent = os.path.dirname(folder)
        if parent == folder:
            raise NotFound("no git repository here", _HINT, code="no_repository")
        folder = parent


def is_repository(folder: str) -> bool:
    """Return whether a folder is a repository or the top of a work tree; looks no further up."""
    return _git_dir(os.path.join(folder, ".git")) is not None or _is_git_dir(folder)


def _work_tree(git_dir: str, environ: "os._Environ[str] | dict[str, str]") -> str | None:
    named = environ.get("GIT_WORK_TREE")
    if named:
        return os.path.abspath(named)
    return os.path.dirname(git_dir) if os.path.basename(git_dir) == ".git" else None


def _git_dir(path: str) -> str | None:
    if os.path.isfile(path):
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            line = file.readline()
        if not line.startswith("gitdir: "):
            return None
        path = os.path.normpath(os.path.join(os.path.dirname(path), line[8:].rstrip("\n")))
    return path if _is_git_dir(path) else None


def _is_git_dir(path: str) -> bool:
    common = _common(path)
    return os.path.isfile(os.path.join(path, "HEAD")) and os.path.isdir(os.path.join(common, "objects"))


def _common(git_dir: str) -> str:
    try:
        with open(os.path.join(git_dir, "commondir"), encoding="utf-8", errors="surrogateescape") as file:
            return os.path.normpath(os.path.join(git_dir, file.read().rstrip("\n")))
    except OSError:
        return git_dir


def _place(git_dir: str, root: str | None) -> Place:
    common = _common(git_dir)
    _check_format(common)
    return Place(git_dir, common, root)


def _check_format(common: str) -> None:
    """Refuse what libgit2 cannot open, before anything is opened."""
    try:
        with open(os.path.join(common, "config"), encoding="utf-8", errors="replace") as file:
            lines = [line.split("#")[0].strip().lower() for line in file]
    except OSError:
        return
    settings = {key.strip(): value.strip() for key, _, value in (line.partition("=") for line in lines)}
    if settings.get("objectformat") == "sha256":
        raise Unusable(
            "the repository uses SHA-256 object names, which libgit2 cannot open",
            "use a repository created with `git init --object-format=sha1`",
            code="unsupported_format",
        )
    if settings.get("refstorage") == "reftable":
        raise Unusable(
            "the repository keeps its refs in a reftable, which libgit2 cannot open",
            "use a repository created with `git init --ref-format=files`, or run `git refs migrate --ref-format=files`",
            code="unsupported_format",
        )


def unusable(error: Exception, place: Place) -> TrackerError:
    """Return what it means to the user that the repository's files could not be read or written."""
    text = str(error)
    if "owned by current user" in text or "owner" in text:
        return Unusable(f"the repository at {place.common} belongs to another user", "ask its owner", code="not_owner")
    if "read-only" in text.lower() or "permission denied" in text.lower() or "failed to create" in text.lower():
        return Unusable(
            f"the repository cannot be written: {text}", "reads still work; check its permissions", code="read_only"
        )
    if "no space left" in text.lower():
        return Unusable("the disk is full", "free some space and run it again; nothing was written", code="disk_full")
    return Unusable(f"git's files could not be read or written: {text}")
