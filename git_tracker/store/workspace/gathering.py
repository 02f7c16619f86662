"""Asking several repositories: which there are, which of them has an issue, and going on without those that fail."""

import os
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any, TypeVar

from git_tracker.errors import Ambiguous, EpochChanged, Invalid, NotFound, Unusable
from git_tracker.store.index import read
from git_tracker.store.reading import Reader
from git_tracker.store.workflow import Workflow
from git_tracker.store.workspace import roster
from git_tracker.store.workspace.members import Member, Members, Open, Standing

Json = Any
T = TypeVar("T")


class Gathering:
    """The repositories of one workspace. `open` opens one of them; `clock` returns nanoseconds since 1970."""

    def __init__(self, folder: str, open: Open, *, clock: Callable[[], int] = time.time_ns) -> None:
        self.folder = os.path.realpath(folder)
        self._members = Members(self.folder, open)
        self._clock = clock
        self._links: dict[str, Any] = {}  # what each repository links to elsewhere, as of a cursor
        self._members.names  # noqa: B018  a file that cannot be read is said at once

    def close(self) -> None:
        """Give back every repository."""
        self._members.close()

    @property
    def name(self) -> str:
        """What people call the workspace."""
        return os.path.basename(self.folder) or "workspace"

    @property
    def home(self) -> str:
        """The folder of the workspace's own things."""
        return os.path.join(self.folder, roster.FOLDER)

    @property
    def root(self) -> str:
        """What tells this workspace from others; it has no trust root of its own."""
        return sha256(os.fsencode(self.folder)).hexdigest()[:40]

    @property
    def now_ms(self) -> int:
        return self._clock() // 10**6

    @property
    def workflow(self) -> Workflow:
        """All statuses there are, for whoever lists them; each repository keeps to its own workflow."""
        statuses: dict[str, str] = {}
        for _, reader in self._members.present():
            statuses |= {name: kind for name, kind in reader.workflow.statuses.items() if name not in statuses}
        return Workflow("workspace", statuses, {})

    def repositories(self) -> list[Standing]:
        """Return how each repository stands now."""
        return [member.standing() for member in self._members.all()]

    # inside

    def _each(self, question: Callable[[Member, Reader], T]) -> Iterator[tuple[Member, T]]:
        for member, reader in list(self._members.present()):
            found = self._try(member, lambda member=member, reader=reader: question(member, reader))  # type: ignore[misc]
            if found is not None:
                yield member, found

    def _try(self, member: Member, question: Callable[[], T]) -> T | None:
        """Ask one repository; what is wrong with the question is raised, what is wrong with the repository is noted."""
        try:
            return question()
        except (Invalid, NotFound, EpochChanged):
            raise
        except Exception as error:  # the others go on
            member.fails(error)
            return None

    def _find(self, id: str) -> tuple[Member, Reader, str]:
        """Return the repository that has an issue, and the issue's full id."""
        name, mark, rest = id.partition("#")
        if mark:
            return self._within(name, rest)
        found: list[tuple[Member, Reader, str]] = []
        missing: NotFound | None = None
        for member, reader in self._members.present():
            try:
                full = self._try(member, lambda reader=reader: reader.ask(lambda db: read.resolve(db, id)))  # type: ignore[misc]
            except Ambiguous:
                raise
            except NotFound as error:
                missing = error
                continue
            if full is not None:
                found.append((member, reader, full))
        if len(found) > 1:
            shown = ", ".join(f"{member.name}#{full[:12]}" for member, _, full in found)
            raise Ambiguous(f"{id} names an issue in {len(found)} repositories: {shown}", "write repository#id")
        if found:
            return found[0]
        away = [standing.name for standing in self.repositories() if standing.state in ("missing", "broken")]
        if away:
            raise NotFound(f"no issue {id!r} in what can be read", f"not here now: {', '.join(away)}")
        raise missing or NotFound(f"no issue {id!r}", "the workspace has no repositories: `tracker workspace add PATH`")

    def _within(self, name: str, id: str) -> tuple[Member, Reader, str]:
        member, reader = self._repository(name)
        full = self._try(member, lambda: reader.ask(lambda db: read.resolve(db, id)))
        if full is None:
            raise Unusable(f"the repository {name} failed: {member.reason}", "`tracker doctor` says more")
        return member, reader, full

    def _repository(self, name: str) -> tuple[Member, Reader]:
        """Return a repository by name; raise `NotFound` or `Unusable`, which says why it cannot be asked."""
        for member, reader in self._members.present():
            if member.name == name:
                return member, reader
        for standing in self.repositories():
            if standing.name == name:
                raise Unusable(f"the repository {name} cannot be read: {standing.reason}", f"it is at {standing.path}")
        raise roster.unknown(name, dict.fromkeys(self._members.names))

    def _named(self, member: Member, item: dict[str, Json]) -> dict[str, Json]:
        return self._named_by(member.name, item)

    def _named_by(self, name: str, item: dict[str, Json]) -> dict[str, Json]:
        short = item["short"] and f"{name}#{item['short']}"  # an entry that does not count may be of no issue
        return {**item, "short": short, "repository": name}
