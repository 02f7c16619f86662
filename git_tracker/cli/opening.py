"""What a command opens: the repository or the workspace it runs in, and the keys of its user."""

import sys
from collections.abc import Callable

from git_tracker.cli import escape
from git_tracker.errors import Invalid, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    from git_tracker.store import IssueStore, Keyring, Looked, Place, Reader, Tracker

    T = TypeVar("T", bound=Looked)

Progress = Callable[[int, int], None]


class Opening:
    """Opens what is around `path`, as heavily as needed, and gives all of it back at the end."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._opened: list[Looked] = []
        self._keyring: Keyring | None = None

    def looking(self) -> "Looked":
        """Open the repository, or all of a workspace, for looking only."""
        from git_tracker.store import find_workspace

        if not (folder := find_workspace(self.path)):
            return self.reader()
        from git_tracker.store import Survey

        survey = self._kept(Survey(folder, self.opened))
        for one in survey.repositories():
            if one.state != "ok":
                self.note(f"{one.name} is {one.state}: {one.reason}")
        return survey

    def tracker(self) -> "Tracker":
        """Open the repository, or all of a workspace, for writing."""
        from git_tracker.store import find_workspace

        if not (folder := find_workspace(self.path)):
            return self.store()
        from git_tracker.store import Workspace

        return self._kept(Workspace(folder, self._store))

    def reader(self) -> "Reader":
        """Open the repository for looking only."""
        reader = self._kept(self.opened(self._place()))
        if not reader.root:
            self.note("this repository has no tracker yet; `tracker init` makes one")
        return reader

    def store(self) -> "IssueStore":
        """Open the repository for writing."""
        return self._kept(self._store(self._place()))

    def mending(self, path: str) -> "IssueStore":
        """Open the repository at `path` for writing."""
        from git_tracker.store import find_place

        return self._kept(self._store(find_place(path)))

    def _place(self) -> "Place":
        from git_tracker.store import find_place, find_workspace

        try:
            return find_place(self.path)
        except NotFound:
            if not find_workspace(self.path):
                raise
        raise Invalid(
            "this works on one repository, and here is a workspace",
            "name one with -C; `tracker workspace list` shows them",
            code="usage",
        )

    def opened(self, where: "Place") -> "Reader":
        """Open one repository with the workflow of its project, for looking only."""
        from git_tracker.cli import project
        from git_tracker.store import open_reader

        return open_reader(where, workflow=project.workflow(where), progress=self.progress("indexing"))

    def _store(self, where: "Place") -> "IssueStore":
        from git_tracker.cli import project
        from git_tracker.store import IssueStore

        return IssueStore(
            where, workflow=project.workflow(where), progress=self.progress("indexing"), keyring=self.keyring,
            upkeep_after=project.upkeep_after(where),
        )  # fmt: skip

    def _kept(self, opened: "T") -> "T":
        self._opened.append(opened)
        return opened

    @property
    def keyring(self) -> "Keyring":
        """The keys of this user; who sits at a terminal is asked for a passphrase, once."""
        if self._keyring is None:
            from git_tracker.cli import asking
            from git_tracker.store import Keyring

            self._keyring = Keyring.here(ask=asking.passphrase())
        return self._keyring

    def close(self) -> None:
        """Give back every repository that was opened."""
        while self._opened:
            self._opened.pop().close()

    def note(self, text: str) -> None:
        """Say something that is not part of the answer."""
        sys.stderr.write(f"tracker: {escape.line(text)}\n")

    def progress(self, what: str) -> Progress | None:
        """Return a progress line on stderr, or None where nobody would see it."""
        if not sys.stderr.isatty():
            return None
        from time import monotonic

        last = 0.0

        def show(done: int, total: int) -> None:
            nonlocal last
            if done >= total:
                sys.stderr.write("\r\x1b[K")
            elif monotonic() - last > 0.1:
                last = monotonic()
                sys.stderr.write(f"\r\x1b[K{what} {done}/{total}")
            sys.stderr.flush()

        return show
