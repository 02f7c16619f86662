"""A bare repository of our own, in which git talks to remotes: it shares the user's objects and settings, not their refs.

What git does before and after a transfer takes as long as there are refs, and every issue has one. Here there are only
those of devices, which reach all that was ever exchanged. Nothing is kept here that the user's repository does not hold:
the refs are written anew before each use, and what was fetched is moved there afterwards.
"""

import os
import shutil
from contextlib import suppress

from git_tracker.store import refs, swap
from git_tracker.store.place import Place, unusable

_HEADER = "# pack-refs with: peeled fully-peeled sorted \n"


class Staging:
    """The staging repository of one clone, for one process at a time."""

    def __init__(self, place: Place, home: str) -> None:
        self._place = place
        self.path = os.path.join(home, "exchange.git")

    @property
    def environment(self) -> dict[str, str]:
        """What git has to be told besides the path."""
        return {
            "GIT_OBJECT_DIRECTORY": os.path.join(self._place.common, "objects"),
            "GIT_SHALLOW_FILE": os.path.join(self._place.common, "shallow"),
        }

    def prepare(self) -> None:
        """Let it hold the refs of devices as the user's repository has them, and nothing that a dead process left.

        Raises `Unusable` where that cannot be written.
        """
        try:
            self._prepare()
        except OSError as error:
            raise unusable(error, self._place) from error

    def _prepare(self) -> None:
        with suppress(FileNotFoundError):
            shutil.rmtree(os.path.join(self.path, "refs"))
        with suppress(FileNotFoundError):
            os.unlink(os.path.join(self.path, "packed-refs.lock"))
        for folder in ("objects", "refs"):
            os.makedirs(os.path.join(self.path, folder), exist_ok=True)
        for name, content in (("HEAD", "ref: refs/heads/none\n"), ("config", self._settings())):
            self._write(name, content)
        self._write(
            "packed-refs",
            _HEADER + "".join(f"{id} {ref}\n" for ref, id in sorted(_devices(self._place.common).items())),
        )

    def devices(self) -> dict[str, str]:
        """Return the refs of devices as they stand here, with their targets."""
        return _devices(self.path)

    def _settings(self) -> str:
        """Return settings that are the user's, in a repository that is bare: remotes, proxies, credentials, ssh."""
        paths = [os.path.join(self._place.common, name) for name in ("config", "config.worktree")]
        quoted = [path.replace("\\", "\\\\").replace('"', '\\"') for path in paths]
        include = "".join(f'\tpath = "{path}"\n' for path in quoted)
        return f"[core]\n\trepositoryformatversion = 0\n[include]\n{include}[core]\n\tbare = true\n"

    def _write(self, name: str, content: str) -> None:
        """Write a file, unless it is as it should be."""
        path, raw = os.path.join(self.path, name), content.encode("utf-8", "surrogateescape")
        with suppress(FileNotFoundError), open(path, "rb") as file:
            if file.read() == raw:
                return
        descriptor = os.open(path + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            swap.write_all(descriptor, raw)
        finally:
            os.close(descriptor)
        os.replace(path + ".new", path)


def _devices(common: str) -> dict[str, str]:
    found = {
        prefix + name: id for prefix in (refs.DEVICES, refs.REMOTES) for name, id in refs.below(common, prefix).items()
    }
    return refs.checkpoints(found, own="")
