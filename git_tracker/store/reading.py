"""What the tracker says, answered from its index: every question anybody asks goes through the methods of `Reader`.

Light on purpose. A reader alone opens neither libgit2 nor a key: a command that only looks starts in milliseconds.
`IssueStore` is a reader that also writes and keeps the index up to date.
"""

import os
import threading
import time
from binascii import crc32
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from git_tracker.store import freshness, pin, query, refs, standing
from git_tracker.store.index import apart, exchange, paging, people, read, schema, search, tables
from git_tracker.store.place import Place
from git_tracker.store.workflow import KANBAN, Workflow

Json = Any
T = TypeVar("T")


class Reader:
    """Answers from one repository's index, from several threads if need be.

    `clock` returns nanoseconds since 1970. `index_path` may be `:memory:` for a repository that has no tracker yet.
    """

    def __init__(
        self, where: Place, index_path: str, *, workflow: Workflow = KANBAN, clock: Callable[[], int] = time.time_ns
    ) -> None:
        self.place, self.workflow = where, workflow
        self._clock, self._index_path = clock, index_path
        self._readers = threading.local()
        self._stale = False  # whether the index is known to be behind
        self._generation: object = None  # another one means the file was replaced: open it again

    def close(self) -> None:
        """Give back this thread's connection."""
        db: schema.Db | None = getattr(self._readers, "db", None)
        if db is not None:
            db.close()
            self._readers.db = None

    @property
    def name(self) -> str:
        """What people call the repository."""
        return self.place.name

    def refresh(self) -> None:
        """Catch up with what others wrote; a reader that cannot stays with what it has."""

    @property
    def root(self) -> str:
        """The id of the pinned trust root, or an empty string before `init`."""
        return pin.read(self.place)

    @property
    def now_ms(self) -> int:
        return self._clock() // 10**6

    @property
    def reader(self) -> schema.Db:
        """This thread's connection to the index, for the functions of `index.read` and its neighbours."""
        db: schema.Db | None = getattr(self._readers, "db", None)
        if db is None or self._readers.generation is not self._generation:
            if self._index_path == ":memory:":
                db = schema.connect(self._index_path)
                schema.prepare(db, "0")
            else:
                db = schema.connect(self._index_path, read_only=True)
            self._readers.db, self._readers.generation = db, self._generation
        return db

    def _ask(self, question: Callable[[schema.Db], T], *, written: bool = False) -> T:
        """Return the answer from one state of the index, however much is written meanwhile; mend a damaged file.

        `written` if it is about what this process has just written: that is in the index, whatever others did in git.
        """
        if self._stale or not written:
            self.refresh()
        try:
            return self._answer(question)
        except schema.Error as error:
            if not schema.is_damage(error):
                raise schema.failed(error) from error
            self._mend()
            return self._answer(question)

    def ask(self, question: Callable[[schema.Db], T]) -> T:
        """Return what a function of the index package answers; a workspace asks its members that way."""
        return self._ask(question)

    def _answer(self, question: Callable[[schema.Db], T]) -> T:
        db = self.reader
        db.execute("begin")
        try:
            return question(db)
        finally:
            with suppress(schema.Error):
                db.execute("rollback")

    def _mend(self) -> None:
        """Have the whole store build a damaged index anew."""
        from git_tracker.store.store import IssueStore

        store = IssueStore(self.place, workflow=self.workflow)
        store.rebuild()
        store.close()
        self._generation = object()

    def get_issue(self, id: str, *, comments: int | None = None, among: int | None = None) -> dict[str, Json]:
        """Return one issue by id or unique prefix; if so wanted with the last `comments` alone of the first `among`."""
        return self._ask(lambda db: read.get(db, id, self.now_ms, comments=comments, among=among))

    def row(self, id: str) -> dict[str, Json]:
        """Return one issue as it stands in lists: without its texts."""
        return self._ask(lambda db: read.row(db, id, self.now_ms))

    def lost_claims(self, actor: str) -> list[dict[str, Json]]:
        """Return the claims of an actor that somebody turned out to have made earlier: `{"issue", "short", "holder"}`."""
        return self._ask(lambda db: people.lost_claims(db, actor, self.now_ms))

    def outcome(self, id: str, actor: str) -> dict[str, Json]:
        """Return of an issue that was just written to its row with `heads`, with its `conflicts` if it has any, and an
        actor's `lost_claims`."""
        return self._ask(lambda db: people.outcome(db, id, actor, self.now_ms), written=True)

    def created(self, ids: Sequence[str]) -> list[dict[str, Json]]:
        """Return of issues just created `{"issue", "short", "similar"}`: their short names, and likely duplicates."""
        return self._ask(lambda db: search.created(db, ids), written=True)

    def similar(self, title: str, *, but: Container[str] = ()) -> list[str]:
        """Return ids of open issues, `but` some, whose titles share most words with this one: likely duplicates."""
        return self._ask(lambda db: search.similar(db, title, but=but))

    def list_issues(
        self,
        text: str | query.Query = "",
        *,
        limit: int = 50,
        cursor: str = "",
        me: str = "",
        terms: Sequence[query.Term] = (),
        fits: Callable[[list[dict[str, Json]]], int] = len,
    ) -> dict[str, Json]:
        """Return a page of what a query finds: `{"items", "next", "total"}`; of the items, as many as `fits` says."""
        asked = query.asked(text, self.now_ms // 1000, self.place.name).limited_to(*terms)

        def page(db: schema.Db) -> dict[str, Json]:
            found = paging.find(db, asked, me=me, now_ms=self.now_ms, limit=limit, cursor=cursor)
            items = read.rows(db, found.rows, self.now_ms)
            most = fits(items)
            return {"items": items[:most], "next": found.after(most), "total": found.total}

        return self._ask(page)

    def conflicts(self, *, limit: int = 50, cursor: str = "") -> dict[str, Json]:
        """Return a page of the issues in conflict: rows with `conflicts`, in which texts are cut to where they differ."""
        asked = query.parse("is:conflicted", self.now_ms // 1000)

        def page(db: schema.Db) -> dict[str, Json]:
            found = paging.find(db, asked, me="", now_ms=self.now_ms, limit=limit, cursor=cursor)
            items = read.in_conflict(db, found.rows, self.now_ms)
            return {"items": items, "next": found.next, "total": found.total}

        return self._ask(page)

    def board(self, text: str | query.Query = "", *, limit: int = 50, me: str = "") -> dict[str, Json]:
        """Return a column for each status, with its total and its first cards."""
        asked = query.asked(text, self.now_ms // 1000, self.place.name)

        def columns(db: schema.Db) -> dict[str, Json]:
            statuses = list(self.workflow.statuses.items())
            found: dict[str, Json] = paging.board(db, asked, statuses, me, self.now_ms, limit)
            return found

        return self._ask(columns)

    def history(self, id: str, *, limit: int = 100, cursor: str = "") -> dict[str, Json]:
        """Return a page of an issue's events, oldest first."""
        return self._ask(lambda db: people.history(db, read.resolve(db, id), limit, cursor))

    def events(self, *, since: str = "", limit: int = 100, agent: str = "", issue: str = "") -> dict[str, Json]:
        """Return events after a cursor, oldest first; without a cursor the newest ones."""
        return self._ask(lambda db: people.feed(db, since, limit, agent, read.resolve(db, issue) if issue else ""))

    def cursor(self) -> str:
        """Return the cursor of the newest event."""
        return read.cursor(self.reader)

    def agents(self, *, limit: int = 100, cursor: str = "") -> dict[str, Json]:
        """Return those who wrote here, latest first: sessions of agents as well as people."""
        return self._ask(lambda db: people.agents(db, self.now_ms, limit, cursor))

    def audit(
        self, agent: str, *, limit: int = 100, cursor: str = "", issue: str = "", kind: str = "", since: str = "",
        until: str = "",
    ) -> dict[str, Json]:  # fmt: skip
        """Return who delegated an agent, everything it did in order with each verdict, and the state of its chain.

        The rest narrows it: to an issue, to entries with an event of a type, to times such as 2026-01-31T12:00.
        """

        def ask(db: schema.Db) -> dict[str, Json]:
            whole = read.resolve(db, issue) if issue else ""
            times = (query.day(since) if since else 0, query.day(until) if until else 1 << 40)
            return people.audit(db, agent, limit, cursor, self.now_ms, people.Only(whole, kind, *times))

        return self._ask(ask)

    def quarantine(self, *, limit: int = 100, cursor: str = "") -> dict[str, Json]:
        """Return a page of the entries that do not count: quarantined, muted or waiting, with the reason."""
        return self._ask(lambda db: apart.page(db, limit, cursor))

    def find_imported(self, source: str) -> dict[str, str]:
        """Return the ids of the issues that were imported from `source`, by the ids they had there."""
        return self._ask(lambda db: exchange.origins(db, source))

    def told(self, source: str) -> Iterator[exchange.Told]:
        """Yield every event that imports from `source` recorded on issues that came from there, oldest first."""
        return self._ask(lambda db: exchange.told(db, source))

    def every_issue(self) -> Iterator[dict[str, Json]]:
        """Yield all issues as `get_issue` returns them, archived ones included, oldest first."""
        self.refresh()
        return (read.get(self.reader, id, self.now_ms) for id in exchange.every(self.reader))

    def health(self) -> dict[str, Json]:
        """Return how many issues, entries and odd entries there are, and where the event feed stands."""
        return self._ask(lambda db: {"repository": self.place.name, "root": self.root, **people.figures(db)})


def open_reader(
    where: Place, *, workflow: Workflow = KANBAN, progress: Callable[[int, int], None] | None = None
) -> Reader:
    """Return the lightest thing that answers for a repository.

    That is the index alone where it stands as git does, an empty one where nothing was ever tracked, and otherwise the
    whole store, which catches up first and tells `progress` how far it is.
    """
    index = index_path(home(where))
    if not os.path.exists(index):
        if not refs.listing(where.common):
            return Reader(where, ":memory:", workflow=workflow)
    else:
        reader = Reader(where, index, workflow=workflow)
        if _is_fresh(reader):
            return reader
        reader.close()
    from git_tracker.store.store import IssueStore

    return IssueStore(where, workflow=workflow, progress=progress)


def _is_fresh(reader: Reader) -> bool:
    try:
        db = reader.reader
        notes = schema.notes(db)
        stands, at = standing.read(os.path.join(home(reader.place), "standing"))
        return notes["version"] == tables.VERSION and freshness.is_fresh(
            notes, stands, freshness.is_young(at), reader.place.common, reader.workflow, reader.now_ms
        )
    except (KeyError, schema.Error):
        return False


def home(where: Place) -> str:
    """Return our folder: in the repository, or in the user's cache where that cannot be written."""
    probe = where.home if os.path.isdir(where.home) else where.common
    if os.access(probe, os.W_OK):
        return where.home
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    from hashlib import sha256

    return os.path.join(cache, "git-tracker", sha256(where.common.encode("utf-8", "surrogateescape")).hexdigest()[:16])


def index_path(home: str) -> str:
    """Return the index of this machine: SQLite's write-ahead log must not be shared with virtual machines."""
    try:
        with open("/etc/machine-id", "rb") as file:
            machine = f"{crc32(file.read()):08x}"
    except OSError:
        machine = "local"
    return os.path.join(home, f"index-{machine}.sqlite")
