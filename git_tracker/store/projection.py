"""Keeping the index in step with git: notice what changed, admit new entries, fold the issues they belong to.

Runs inside the transaction of whoever holds the tracker's lock. Everything here can be thrown away and done again.
"""

from collections.abc import Callable, Iterable, Mapping

from git_tracker.store import arrivals, fold, freshness, refs, stamps, trust
from git_tracker.store.absorbing import Absorber
from git_tracker.store.entry import Entry
from git_tracker.store.identity import Proof
from git_tracker.store.index import arrived, putting, read, rows, schema, write
from git_tracker.store.index.schema import Db
from git_tracker.store.log import AHEAD, EventLog, admission
from git_tracker.store.packedrefs import PackedRefs
from git_tracker.store.progress import Progress
from git_tracker.store.publishing import Publisher
from git_tracker.store.state import State
from git_tracker.store.verdicts import ENDS, MAX_AHEAD_MS, Admission
from git_tracker.store.workflow import Workflow


class Projection(Absorber):
    """Brings one index up to date.

    `now` returns milliseconds since 1970, `token` a new epoch name, `device` the id of this clone: None where refs
    cannot be written.
    """

    def __init__(
        self, db: Db, log: EventLog, root: str, workflow: Workflow, now: Callable[[], int], token: Callable[[], str],
        device: Callable[[], str | None], publisher: Publisher,
    ) -> None:  # fmt: skip
        super().__init__(db, log, root, workflow, now, token)
        self._device, self._publisher = device, publisher
        self._settled = ("", 0)  # epoch of the index and its last event, when what `_refs` shows had been absorbed
        self._absorbed: tuple[str, int, int] | None = None  # and the last record of the journal that is among it
        self._trust_tips: tuple[str, ...] | None = None
        self._seen: stamps.Signature = ""  # as the refs stood when they were last looked at

    def is_fresh(self) -> bool:
        """Return whether no ref of ours changed since the index was last brought up to date."""
        notes, now = schema.notes(self.db), self._publisher.standing()
        return freshness.is_fresh(notes, now, True, self._common, self.workflow, self._now())

    def catch_up(self, clock_ns: int, *, force: bool = False, progress: Progress | None = None) -> None:
        """Make the index equal to git. Must run under the tracker's lock and in a transaction."""
        self._absorbed = None
        if not force and self.is_current():
            return
        if force or self._settled[0] != schema.meta(self.db, "epoch"):
            self._refs.forget()
        journaled = self._look(clock_ns)
        self.read_trust(self._refs.others)
        tips, stored = self._candidates()
        if stored.keys() - tips.keys() or (self._other_rules() and not self.is_empty()):
            schema.clear(self.db, self._token())
            self._refs.forget()
            tips, stored = self._candidates()
        before, now = schema.meta(self.db, "trust"), " ".join(self._trust_tips or ())
        again = self._overdue() | (self._touched(before) if before != now else set())
        again |= set(schema.meta(self.db, "doubtful").split())
        self._remember_rules()
        schema.set_meta(self.db, "doubtful", "")
        if before != now or self.is_empty():
            self._admit_trust()
        changed = {id: (tip,) for id, tip in tips.items() if stored.get(id) != tip}
        if changed:
            again |= rows.unfinished(self.db, ENDS)
        changed |= {id: (tip,) for id in again if (tip := self.tip_of(id))}
        if changed:
            self._absorb(changed, again, progress)
        if found := self._kept_apart(self._kept_lately()):
            self._absorb({id: (tip, *found[id]) for id in found if (tip := self.tip_of(id))}, set(), progress)
        self._absorbed = (schema.meta(self.db, "epoch"), read.last_seq(self.db), journaled)
        schema.set_meta(self.db, "wake", write.wake(self.db, AHEAD, MAX_AHEAD_MS))
        schema.set_meta(self.db, "clock", str(self.latest_ms()))
        self.journaled(journaled)

    def is_current(self) -> bool:
        """Return whether the index stands as git does, with the trust log that it was judged by in mind.

        Whoever brought it up to date has listed the refs: nobody else needs to, however many there are.
        """
        notes = schema.notes(self.db)
        if self.trust.root != notes.get("root", ""):
            return False
        if not freshness.is_fresh(notes, self._publisher.standing(), True, self._common, self.workflow, self._now()):
            return False
        self._read_trust_at(tuple(notes.get("trust", "").split()))
        return True

    def committed(self) -> None:
        """Say that what `catch_up` did will stay; until then it looks at the same refs again."""
        if self._absorbed:
            (epoch, seq, journaled), self._absorbed = self._absorbed, None
            self._settled = epoch, seq
            self._refs.settle()
            self._publisher.agree(journaled, epoch, self._seen)

    def look(self, clock_ns: int) -> int:
        """Return how many issues are here, after what fetched checkpoints tell was taken in, and read the trust log."""
        self._look(clock_ns)
        self.read_trust(self._refs.others)
        return len(self._refs.issues())

    def _look(self, clock_ns: int) -> int:
        """See how our refs stand, after what was journaled and what fetched checkpoints tell was taken into them.

        Return the number of the last record in the journal.
        """
        journaled = self._publisher.settle()
        while True:
            self._seen = stamps.mark(self._common, clock_ns)
            self._refs.look()
            own = self._device()
            if own is None or not arrivals.pending(self.db, self._refs.others, own):
                return journaled
            arrivals.absorb(self.db, self.log.objects, self._refs.others, own)

    def _candidates(self) -> tuple[dict[str, str], dict[str, str]]:
        """Return tips of issues, as they are and as they are indexed, among which all lie that changed."""
        if self._refs.changed is None:
            ids = self._refs.issues_unlike(PackedRefs(write.as_refs(self.db, refs.ISSUES)))
        else:
            ids = self._refs.issues_changed() | write.changed_since(self.db, self._settled[1])
        tips = {id: tip for id in ids if (tip := self.tip_of(id))}
        return tips, {id: tip for id in ids if (tip := write.tip(self.db, id))}

    def _kept_lately(self) -> Iterable[str]:
        if self._refs.changed is None:
            return refs.kept(self._refs.others)
        return refs.kept({name: self._refs.others.get(name, "") for name in self._refs.changed}) - {""}

    def knows_trust(self, notes: Mapping[str, str]) -> bool:
        """Return whether our trust log is the one the index was judged by; another process may have read a newer one."""
        return self._trust_tips is not None and " ".join(self._trust_tips) == notes.get("trust", "")

    def is_empty(self) -> bool:
        """Return whether the index holds no issue."""
        return self.db.execute("select 1 from issues limit 1").fetchone() is None

    def build(self, path: str, progress: Progress | None) -> None:
        """Write an index of what was looked at to a file of its own; catching up with that one is what is left to do."""
        now_ms = self.latest_ms()
        from git_tracker.store import bulk  # needed once in the life of an index

        doubtful = bulk.build(
            path, self._token(), self.log.objects.place, self.trust, self._refs.issues(), self.trust_tips,
            self.workflow.statuses, now_ms, progress,
        )  # fmt: skip
        notes, devices = schema.lasting(self.db), arrived.rows(self.db)
        before, self.db = self.db, schema.connect(path)
        try:
            self.db.execute("begin")
            self._admit_trust()
            self._remember_rules()
            schema.set_meta(self.db, "doubtful", " ".join(doubtful))
            for note in notes:
                schema.set_meta(self.db, *note)
            for device in devices:
                arrived.put(self.db, *device)
            schema.set_meta(self.db, "clock", str(now_ms))
            self.db.execute("commit")
        finally:
            self.db.close()
            self.db = before

    def _remember_rules(self) -> None:
        schema.set_meta(self.db, "trust", " ".join(self._trust_tips or ()))
        schema.set_meta(self.db, "revoked", " ".join(sorted(self.trust.revoked)))
        schema.set_meta(self.db, "root", self.trust.root)
        schema.set_meta(self.db, "workflow", repr(dict(self.workflow.statuses)))

    def read_trust(self, listing: dict[str, str]) -> None:
        """Fold the trust log if one of its tips moved. The first is what our ref of it points to."""
        first = [listing[refs.TRUST]] if refs.TRUST in listing else []
        self._read_trust_at((*first, *sorted(id for name, id in listing.items() if name.startswith(refs.TRUST_HEADS))))

    def _read_trust_at(self, tips: tuple[str, ...]) -> None:
        if tips != self._trust_tips:
            self.trust = trust.fold(self.trust.root, self.log.read_trust(tips))
            self._trust_tips = tips

    @property
    def trust_tips(self) -> tuple[str, ...]:
        """Everything that reaches the trust log, and logs of other roots that are here."""
        return self._trust_tips or ()

    @property
    def trust_tip(self) -> str | None:
        """What the ref of the trust log points to."""
        return self._trust_tips[0] if self._trust_tips else None

    def would_count(self, entry: Entry, proof: Proof, more: Iterable[str]) -> bool:
        """Return whether an entry of the trust log would count, on top of those here and of what `more` reaches."""
        return self.trust.counts_with(entry, proof, self.log.read_trust(more))

    def pin(self, root: str) -> None:
        """Trust another root from now on."""
        self.trust = trust.fold(root, ())
        self._trust_tips = None

    def take(self, id: str, found: Admission, state: State, row: schema.Row | None) -> None:
        """Let one entry of our own writing take effect; `row` is what the index has of the issue, None if it is new.

        Raises `Refused` or `Invalid` if it cannot take effect, before anything is written.
        """
        advanced = fold.advance(state, found.record, strict=True)
        if not advanced:
            fold.check(state, found.record, fold.everything)
        key = row["key"] if row else write.reserve(self.db, id)
        seq = write.add_entries(self.db, [(key, found)])
        if not advanced:
            state = fold.fold(write.records(self.db, key))
        self._put(key, found.record.id, state, seq, row, own=True)

    def take_trust(self, found: Admission) -> None:
        """Number an entry of the trust log, so that its chain is seen whole."""
        write.add_entries(self.db, [(putting.TRUST, found)])

    def journaled(self, number: int) -> None:
        """Say that the index has what the journal has up to that record."""
        schema.set_meta(self.db, "journal", str(number))

    def moved(self, clock_ns: int) -> None:
        """Say that the refs stand as the index has them, after moving some that are not in the journal."""
        published, epoch = self._publisher.standing().published, schema.meta(self.db, "epoch")
        self._publisher.agree(published, epoch, stamps.mark(self._common, clock_ns))

    def _touched(self, before: str) -> set[str]:
        """Return the issues that a change of the trust log may concern; the others are not looked at again."""
        first, *others = before.split() or [""]
        heads = [first, *(id for id in others if id in self.trust.known)]  # logs of other roots said nothing
        return rows.touched(self.db, self.trust.touched_since(filter(None, heads)))

    def _overdue(self) -> set[str]:
        """Return the issues in which something waited that is here now."""
        soon = self.latest_ms() + MAX_AHEAD_MS
        return {
            id
            for id, ms, reason, missing in write.waiting(self.db)
            if (ms <= soon if reason == AHEAD else any(map(self.log.objects.has, missing)))
        }

    def _kept_apart(self, kept: Iterable[str]) -> dict[str, list[str]]:
        """Return what is kept but not indexed yet, by the issue it builds on."""
        found: dict[str, list[str]] = {}
        for entry in sorted(kept):
            if not write.issues_of(self.db, entry):
                for id in self.log.issues_behind(entry, lambda id: write.issues_of(self.db, id)):
                    found.setdefault(id, []).append(entry)
        return found

    def _admit_trust(self) -> None:
        known = write.verdicts(self.db, putting.TRUST)
        for entry, proof in self.log.read_trust(self._trust_tips or ()):
            if entry.id not in known:
                self.take_trust(admission(entry, proof, self.trust, "ok", ""))

    def _other_rules(self) -> bool:
        return schema.meta(self.db, "root") != self.trust.root or not freshness.same_workflow(
            schema.notes(self.db), self.workflow
        )
