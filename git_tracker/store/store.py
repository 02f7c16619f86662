"""The store: the one way in for every change and the one way out for news (DESIGN, sections 1 and 6).

In: every write is decided on the state it will build on, signed, journaled, written to git, swapped in, indexed.
Out: the index grows by a sequence number and the bus rings, whoever wrote: this process, another, or a sync.
"""

import hashlib
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

from git_tracker.errors import Conflict, Invalid, NotFound, Refused, Unusable
from git_tracker.store import canonical, changes, keystore, objects, place, query, reading, refs, trust, verification
from git_tracker.store.bus import Bus, Cue
from git_tracker.store.identity import Signer
from git_tracker.store.index import read, schema, search
from git_tracker.store.issue import Json
from git_tracker.store.journal import Journal
from git_tracker.store.lock import held, tried
from git_tracker.store.log import EventLog
from git_tracker.store.place import Place
from git_tracker.store.projection import Progress, Projection
from git_tracker.store.reading import Reader
from git_tracker.store.trust import Member
from git_tracker.store.workflow import KANBAN, Workflow
from git_tracker.store.writing import Writing

_RETRIES = 20


class IssueStore(Reader):
    """One repository's issues. Safe to use from several threads; any number of processes may do so at once.

    `clock` returns nanoseconds since 1970 and `entropy(n)` n random bytes; both come in from outside for tests.
    """

    def __init__(
        self,
        where: Place,
        *,
        workflow: Workflow = KANBAN,
        clock: Callable[[], int] = time.time_ns,
        entropy: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._home = reading.home(where)
        super().__init__(where, reading.index_path(self._home), workflow=workflow, clock=clock)
        self.bus = Bus()
        self._entropy = entropy
        self._lock = threading.RLock()
        self._objects = objects.GitRepository(where)
        self._db: schema.Db
        self._projection: Projection
        self._open_index()
        self._journal: Journal | None = None
        self._moved: list[int] = []
        self._rung = Cue("", 0)
        self.refresh()

    @classmethod
    def open(cls, path: str = ".", **options: Any) -> Self:
        """Open the tracker of the repository around `path`."""
        return cls(place.find(path), **options)

    def close(self) -> None:
        """Give back files; the store must not be used afterwards."""
        super().close()
        with self._lock:
            if self._journal:
                self._journal.done(self._moved)
                self._journal.close()
                self._journal = None
            self._db.close()

    # who

    @property
    def root(self) -> str:
        """The id of the pinned trust root, or an empty string before `init`."""
        return self._projection.trust.root

    @property
    def members(self) -> list[Member]:
        return list(self._projection.trust.members.values())

    def init(self, person: str = "") -> tuple[Signer, bool]:
        """Make this a tracker: a key for the person, a trust root, its pin. Harmless when repeated.

        Returns the person's signer and whether anything was new.
        """
        if not self._writable():
            raise Unusable(
                "the repository cannot be written", "reads still work; check its permissions", code="read_only"
            )
        name, email = self._objects.person()
        person = person or trust.handle_for(name, email)
        if not trust.is_handle(person):
            raise Invalid(f"{person!r} cannot be a person's handle", "use up to 32 of a-z, 0-9 and -")
        os.makedirs(self._home, mode=0o700, exist_ok=True)
        for folder in ("refs/git-tracker/issues",):
            os.makedirs(os.path.join(self.place.common, folder), exist_ok=True)
        new = person not in keystore.people()
        signer = keystore.make(person, name, email, self._entropy) if new else keystore.load(person, name, email)
        with self._lock, held(self._lock_path):
            self._catch_up(force=True)
            self._objects.write_empty_tree()
            if not self.root:
                root = Member(person, name, email, signer.identity.key, "owner", "")
                event = trust.root_event(root, self._entropy(16).hex())
                tip = self._objects.target(refs.TRUST)
                self._pin((tip and self._oldest(tip)) or self._commit_trust(signer, event))
                new = True
        return signer, new

    def signer(self, person: str = "") -> Signer:
        """Return the signer of a person on this device: the named one, or whom git is configured for."""
        by_handle = {member.person: member for member in self.members}
        if not person:
            name, email = self._objects.person()
            person = trust.handle_for(name, email)
            return keystore.load(person, name, email)
        member = by_handle.get(person)
        if member:
            return keystore.load(person, member.name, member.email)
        return keystore.load(person, person, f"{person}@tracker")

    def handle(self, signer: Signer | None = None) -> str:
        """Return what a person is called here: who `assignee:me` is. By default whom git is configured for."""
        if signer is None:
            return trust.handle_for(*self._objects.person())
        member = self._projection.trust.members.get(signer.issuer)
        return member.person if member else ""

    def delegate(
        self, person: Signer, *, client: str, label: str, valid_seconds: int = 86400, scope: str = "", sid: str = ""
    ) -> Signer:
        """Return the signer of a new agent session, certified by a person's key. Its key lives in memory only.

        With `sid` an existing session gets a further key and certificate.
        """
        member = self._projection.trust.members.get(person.identity.key)
        if member is None:
            raise self._stranger(person)
        now = self._clock() // 10**9
        return person.delegate(
            sid=sid or self._entropy(6).hex(), person=member.person, client=client, label=label,
            serial=int.from_bytes(self._entropy(6), "big"), valid=(now - 60, now + valid_seconds),
            seed=self._entropy(32), nonce=self._entropy(32), scope=scope,
        )  # fmt: skip

    def allowed_signers(self) -> str:
        """Return the members as git's gpg.ssh.allowedSignersFile wants them."""
        return trust.allowed_signers(self.members)

    # in

    def create_issue(self, by: Signer, fields: Mapping[str, Any], *, rk: str = "") -> str:
        """Create one issue; fields as in `create_issues`. Returns its id, as every write does."""
        return self.create_issues(by, [fields], rk=rk)[0]

    def create_issues(self, by: Signer, plan: Sequence[Mapping[str, Any]], *, rk: str = "") -> list[str]:
        """Create issues as one plan, all or none; returns their ids in the order given.

        Each item has the fields of `changes.CREATE_FIELDS` and may have `parent`, `blocked_by`, `relates`,
        `discovered_from` and `imported`; ids there may be `#name`, where `name` is the `ref` of another item.
        """
        return self._write(by, lambda writing: writing.create(plan), rk, ["create", *plan])

    def update_issue(
        self, by: Signer, id: str, what: Mapping[str, Any], *, rk: str = "", expect: Sequence[str] = ()
    ) -> str:
        """Change fields as in `changes.UPDATE_FIELDS`; `expect` are the heads the caller has seen."""
        return self._change(by, id, lambda s, c: changes.update(s, what, c), rk, ["update", what], expect)

    def comment(self, by: Signer, id: str, body: str, *, rk: str = "") -> str:
        """Add a comment."""
        return self._change(by, id, lambda s, c: changes.comment(body), rk, ["comment", body])

    def link(self, by: Signer, id: str, kind: str, other: str, *, remove: bool = False, rk: str = "") -> str:
        """Add or remove a link from one issue to another."""
        return self._change(
            by, id, lambda s, c: changes.link(s, kind, c.resolve(other), remove), rk, ["link", kind, other, remove]
        )

    def claim(self, by: Signer, id: str = "", *, text: str = "", lease_seconds: int = 0, rk: str = "") -> str:
        """Claim the named issue, or the best ready one that matches a query; exactly one caller wins."""
        lease = lease_seconds or changes.LEASE_SECONDS
        if not 60 <= lease <= 7 * 86400:
            raise Invalid(f"a lease lasts from a minute to a week, not {lease} s")

        def decide(writing: Writing) -> list[str]:
            target = writing.resolve(id) if id else self._best_ready(writing, text)
            return [writing.change(target, lambda s, c: changes.claim(s, lease, c))]

        return self._write(by, decide, rk, ["claim", id, text, lease])[0]

    def release(self, by: Signer, id: str, reason: str = "", *, rk: str = "") -> str:
        """Give a claim back; only its holder or a person can."""
        person = by.delegation is None
        return self._change(
            by, id, lambda s, c: changes.release(s, reason, c, by_person=person), rk, ["release", reason]
        )

    def finish(
        self, by: Signer, id: str, summary: str = "", evidence: Sequence[Mapping[str, str]] = (), *, rk: str = ""
    ) -> str:
        """Move to done with a summary and evidence `{"kind", "value"}`, and release the claim."""
        return self._change(
            by, id, lambda s, c: changes.finish(s, summary, evidence, c), rk, ["finish", summary, *evidence]
        )

    def apply_event(self, by: Signer, id: str, *what: Any, rk: str = "") -> str:
        """Record given events as one entry; for importers and programs that know what they want."""
        return self._change(by, id, lambda s, c: list(what), rk, ["events", *(event.encode() for event in what)])

    def import_entries(self, by: Signer, decide: Callable[[Writing], list[str]], *, rk: str = "") -> list[str]:
        """Write many entries at once, all or none; `decide` drives the `Writing`. Returns what it returns."""
        return self._write(by, decide, rk, ["import"])

    # out: what `Reader` answers, and what needs git itself

    def verify(self, id: str = "", progress: Progress | None = None) -> dict[str, Json]:
        """Check every signature, chain and ref against the raw objects, not against the index."""
        self.refresh(force=True)
        full = read.resolve(self.reader, id) if id else ""
        return verification.verify(self._projection, self.place.common, full, self.now_ms, progress)

    @property
    def objects(self) -> objects.GitRepository:
        return self._objects

    def refresh(self, *, force: bool = False, wait: bool = False, progress: Progress | None = None) -> None:
        """Catch up with other processes, worktrees and syncs; ring the bus for what is new.

        A reader does not wait for a writer: whoever writes brings the index up to date anyway.
        """
        if not force and not self._stale:
            fresh = self._projection.is_fresh()
            if fresh:
                self._ring()
                return
        with self._lock, held(self._lock_path) if wait or force or self._stale else tried(self._lock_path) as free:
            if free is not False:
                self._catch_up(force=force, progress=progress)
        self._ring()

    def rebuild(self, progress: Progress | None = None) -> None:
        """Empty the index and fill it again from git, as a new epoch."""
        with self._lock, held(self._lock_path):
            self._db.execute("begin immediate")
            schema.clear(self._db, self._entropy(4).hex())
            self._db.execute("commit")
            self._catch_up(force=True, progress=progress)
        self._ring()

    # inside

    def _change(
        self, by: Signer, id: str, decide: Callable[..., list[Any]], rk: str, request: Sequence[Any],
        expect: Sequence[str] = (),
    ) -> str:  # fmt: skip
        def plan(writing: Writing) -> list[str]:
            return [writing.change(writing.resolve(id), decide, expect)]

        return self._write(by, plan, rk, [*request, id])[0]

    def _write(self, by: Signer, decide: Callable[[Writing], list[str]], rk: str, request: Sequence[Any]) -> list[str]:
        """The write path, in the order that makes it safe. `decide` may run several times."""
        if not self._writable():
            raise Unusable(
                "the repository cannot be written", "reads still work; check its permissions", code="read_only"
            )
        self._require_member(by)
        key = _request_key(rk, request)
        for _ in range(_RETRIES):
            with self._lock, held(self._lock_path):
                self._recover()
                self._db.execute("begin immediate")
                try:
                    self._projection.catch_up(self._clock())
                    prior = self._repeated(by, rk, key)
                    writing = Writing(self._projection, by, key, self._clock, self._entropy)
                    result = prior or decide(writing)
                    if writing.records:
                        self._publish(writing)
                        self._projection.marked(self._clock())
                    self._db.execute("commit")
                except _Moved:
                    self._db.execute("rollback")
                    self._catch_up(force=True)
                    continue
                except BaseException:
                    if self._db.in_transaction:
                        self._db.execute("rollback")
                    raise
            self._ring()
            return result
        raise Conflict("the issue kept moving while it was written", "try again", code="busy")

    def _publish(self, writing: Writing) -> None:
        """Journal, then objects, then refs: from the journal on, nothing is lost."""
        journal = self._open_journal()
        numbers = journal.add(writing.records, done=self._moved)
        self._moved = []
        for record in writing.records:
            self._objects.write_commit(record.raw)
        first: dict[str, str | None] = {}
        last: dict[str, str] = {}
        for record in writing.records:
            first.setdefault(record.ref, record.old)
            last[record.ref] = record.id
        moved: set[str] = set()
        try:
            for ref in sorted(last, key=lambda ref: first[ref] is None):
                self._objects.move(ref, first[ref], last[ref])
                moved.add(ref)
        except Conflict as error:
            journal.strike(n for n, record in zip(numbers, writing.records, strict=True) if record.ref not in moved)
            raise _Moved from error
        self._moved = numbers

    def _recover(self) -> None:
        """Complete what a dead writer journaled and could not finish. Must run under the lock."""
        journal = self._open_journal()
        own = set(self._moved)
        done, changed = [], False
        for number, record in journal.open():
            done.append(number)
            if number in own:
                continue
            target = self._objects.target(record.ref)
            if target == record.id and self._objects.has(record.id):
                continue
            self._objects.mend_commit(record.id, record.raw)
            changed = True
            if target == record.old:
                self._objects.move(record.ref, target, record.id)
            elif target != record.id and not self._objects.descends(target, record.id):
                self._objects.move(refs.KEEP + record.id, self._objects.target(refs.KEEP + record.id), record.id)
        if len(done) > 64 or changed:
            journal.done(done)
            self._moved = []
        if changed:
            self._catch_up(force=True)

    def _repeated(self, by: Signer, rk: str, key: str) -> list[str]:
        """Return the issues that this very request wrote before; raise `Invalid` if the key stood for another."""
        if not rk:
            return []
        rows = self._db.execute(
            "select entries.rk, issues.id from entries join issues on issues.key = entries.issue"
            " where entries.issuer = ? and entries.rk >= ? and entries.rk < ? order by entries.number",
            (by.issuer.hex(), f"{rk}#", f"{rk}$"),
        ).fetchall()
        for found in rows:
            if found[0] != key:
                raise Invalid(
                    f"the request key {rk!r} was used for another request",
                    "use a new key for a new request",
                    code="rk_reused",
                )
        return list(dict.fromkeys(row[1] for row in rows))

    def _best_ready(self, writing: Writing, text: str) -> str:
        now_ms = self.now_ms
        asked = query.parse(text, now_ms // 1000).limited_to(query.Term("is", ("ready",)))
        page = search.find(self._db, asked, me=writing.context.person, now_ms=now_ms, limit=1)
        if not page.rows:
            raise NotFound(
                "no issue is ready", "everything is done, claimed, deferred or blocked", code="nothing_ready"
            )
        return str(page.rows[0]["id"])

    def _catch_up(self, *, force: bool, progress: Progress | None = None) -> None:
        with self._lock:
            try:
                self._db.execute("begin immediate")
                self._projection.catch_up(self._clock(), force=force, progress=progress)
                self._db.execute("commit")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("rollback")
                raise
            self._stale = False

    def _ring(self) -> None:
        epoch, seq = (
            read.epoch(self.reader),
            self.reader.execute("select coalesce(max(seq), 0) from events").fetchone()[0],
        )
        cue = Cue(epoch, seq)
        with self._lock:
            if cue == self._rung:
                return
            self._rung = cue
        self.bus.ring(cue)

    def _open_index(self) -> None:
        os.makedirs(self._home, mode=0o700, exist_ok=True)
        self._lock_path = os.path.join(self._home, "lock")
        try:
            self._db = self._prepared()
        except schema.Error:
            schema.remove(self._index_path)
            self._db = self._prepared()
        self._generation = self._db
        self._stale = True
        listing = refs.listing(self.place.common)
        root = reading.pinned(self.place)
        if not root and refs.TRUST in listing:  # first use of a tracker that came with a fetch
            root = self._oldest(listing[refs.TRUST])
            if self._writable():
                self._save_pin(root)
        self._projection = Projection(
            self._db, EventLog(self._objects), root, self.workflow, lambda: self.now_ms, lambda: self._entropy(4).hex()
        )
        self._projection.read_trust(listing if root else {})

    def _prepared(self) -> schema.Db:
        db = schema.connect(self._index_path)
        with held(self._lock_path):
            schema.prepare(db, self._entropy(4).hex())
        return db

    def _open_journal(self) -> Journal:
        if self._journal is None:
            self._journal = Journal(os.path.join(self._home, "journal.sqlite"))
        return self._journal

    def _writable(self) -> bool:
        return self._home == self.place.home and os.access(self.place.common, os.W_OK)

    def _require_member(self, by: Signer) -> None:
        if not self.root:
            raise Refused("this repository has no tracker yet", "run `tracker init`", code="not_initialized")
        if by.issuer not in self._projection.trust.members:
            self.refresh()
            if by.issuer not in self._projection.trust.members:
                raise self._stranger(by)

    def _stranger(self, signer: Signer) -> Refused:
        if not self.root:
            return Refused("this repository has no tracker yet", "run `tracker init`", code="not_initialized")
        return Refused(
            f"{signer.identity.name} is no member of this tracker",
            f"an owner can add the key {signer.identity.fingerprint}",
            code="not_a_member",
        )

    def _commit_trust(self, signer: Signer, event: Mapping[str, Json]) -> str:
        """Write one entry of the trust log; returns its id. Must run under the lock."""
        self._db.execute("begin immediate")
        try:
            writing = Writing(self._projection, signer, "", self._clock, self._entropy)
            id = writing.trust(event)
            self._publish(writing)
            self._db.execute("commit")
        except BaseException:
            self._db.execute("rollback")
            raise
        return id

    def _oldest(self, tip: str) -> str:
        entries = EventLog(self._objects).read_trust((tip,))
        return next((entry.id for entry, _ in entries if not entry.parents), tip)

    def _pin(self, root: str) -> None:
        self._save_pin(root)
        self._projection.pin(root)
        self._catch_up(force=True)

    def _save_pin(self, root: str) -> None:
        path = os.path.join(self._home, "root")
        with open(path + ".new", "w", encoding="ascii") as file:
            file.write(root + "\n")
            file.flush()
            os.fsync(file.fileno())
        os.replace(path + ".new", path)


class _Moved(Exception):
    """A ref moved between reading and swapping; decide again."""


def _request_key(rk: str, request: Sequence[Any]) -> str:
    """Return what an entry stores of a request key: the key and a digest of what was asked for."""
    if not rk:
        return ""
    if len(rk) > 128 or not rk.isascii() or not rk.isprintable() or " " in rk or "#" in rk:
        raise Invalid("a request key is up to 128 printable ASCII characters without blanks and #")
    digest = hashlib.sha256(canonical.dumps(list(request)).encode()).hexdigest()[:16]
    return f"{rk}#{digest}"
