"""Keeping the index in step with git: notice what changed, admit new entries, fold the issues they belong to.

Runs inside the transaction of whoever holds the tracker's lock. Everything here can be thrown away and done again.
"""

from collections.abc import Callable, Container, Iterable, Mapping

from git_tracker.store import fold, reading, refs, trust
from git_tracker.store.index import rows, schema, write
from git_tracker.store.index.schema import Db
from git_tracker.store.log import AHEAD, EventLog, admission
from git_tracker.store.state import State
from git_tracker.store.trust import MAX_AHEAD_MS, Admission, Trust
from git_tracker.store.workflow import Workflow

Progress = Callable[[int, int], None]


class Projection:
    """Brings one index up to date. `now` returns milliseconds since 1970, `token` a new epoch name."""

    def __init__(
        self, db: Db, log: EventLog, root: str, workflow: Workflow, now: Callable[[], int], token: Callable[[], str]
    ) -> None:
        self.db, self.log, self.workflow = db, log, workflow
        self._common = log.objects.place.common
        self._now, self._token = now, token
        self._trust_tips: tuple[str, ...] | None = None
        self.trust = trust.fold(root, ())

    def is_fresh(self) -> bool:
        """Return whether no ref of ours changed since the index was last brought up to date."""
        return reading.is_fresh(self.db, self._common, self.workflow, self._now())

    def catch_up(self, clock_ns: int, *, force: bool = False, progress: Progress | None = None) -> None:
        """Make the index equal to git. Must run under the tracker's lock and in a transaction."""
        if not force and self._trust_tips is not None and self.is_fresh():
            return
        refs.mark(self._common, clock_ns)
        signature = refs.signature(self._common)
        listing = refs.listing(self._common)
        self.read_trust(listing)
        tips = refs.issues(listing)
        stored = {row[0]: row[1] for row in self.db.execute("select id, tip from issues")}
        for id in stored.keys() - tips.keys():
            if tip := refs.target(self._common, refs.issue(id)):
                tips[id] = tip
        if stored and (stored.keys() - tips.keys() or not self._same_rules()):
            schema.clear(self.db, self._token())
            stored = {}
        schema.set_meta(self.db, "trust", " ".join(self._trust_tips or ()))
        schema.set_meta(self.db, "root", self.trust.root)
        schema.set_meta(self.db, "workflow", repr(dict(self.workflow.statuses)))
        self._admit_trust()
        again = self._overdue()
        changed = {id: (tip,) for id, tip in tips.items() if stored.get(id) != tip or id in again}
        if changed:
            self._absorb(changed, again, progress)
        if found := self._kept_apart(refs.kept(listing)):
            self._absorb({id: (tips[id], *kept) for id, kept in found.items()}, set(), progress)
        schema.set_meta(self.db, "wake", write.wake(self.db, AHEAD, MAX_AHEAD_MS))
        schema.set_meta(self.db, "refs", signature)

    def read_trust(self, listing: dict[str, str]) -> None:
        """Fold the trust log if its tip moved."""
        tips = (listing[refs.TRUST],) if refs.TRUST in listing else ()
        if tips != self._trust_tips:
            self.trust = trust.fold(self.trust.root, self.log.read_trust(tips))
            self._trust_tips = tips

    def pin(self, root: str) -> None:
        """Trust another root from now on."""
        self.trust = trust.fold(root, ())
        self._trust_tips = None

    def take(self, key: int, id: str, found: Admission, state: State | None) -> State:
        """Let one entry of our own writing take effect; `state` is the issue's, None for a new one."""
        seq = write.add_entries(self.db, [(key, found)])
        if state is None:
            state = fold.fold([found.record])
        elif not fold.advance(state, found.record):
            state = fold.fold(write.records(self.db, key))
        write.put_issue(self.db, key, found.record.id, state, seq, self.workflow)
        return state

    def take_trust(self, found: Admission) -> None:
        """Number an entry of the trust log, so that its chain is seen whole."""
        write.add_entries(self.db, [(write.TRUST, found)])

    def marked(self, clock_ns: int) -> None:
        """Say that the refs stand as the index has them, after moving some ourselves."""
        refs.mark(self._common, clock_ns)
        schema.set_meta(self.db, "refs", refs.signature(self._common))

    def tips(self, listing: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
        """Return what reaches all entries of each issue: its ref, and what else is kept of it."""
        kept = refs.kept(listing)
        return {id: (tip, *sorted(write.among(self.db, id, kept) - {tip})) for id, tip in refs.issues(listing).items()}

    def _absorb(self, changed: Mapping[str, tuple[str, ...]], again: Container[str], progress: Progress | None) -> None:
        admitted: list[tuple[int, Admission]] = []
        keys: dict[str, int] = {}
        for done, (id, tips) in enumerate(changed.items()):
            key = keys[id] = write.reserve(self.db, id)
            found = self._admit_again(key, id) if id in again else self._admit(key, id, tips)
            admitted += [(key, item) for item in found]
            if progress and done % 50 == 0:
                progress(done, len(changed))
        admitted.sort(key=lambda item: (item[1].record.hlc, item[1].record.id))
        seq = write.add_entries(self.db, admitted)
        by_key: dict[int, list[Admission]] = {}
        for key, item in admitted:
            by_key.setdefault(key, []).append(item)
        for id, tips in changed.items():
            self._fold(keys[id], id, tips[0], by_key.get(keys[id], []), seq)
        if progress:
            progress(len(changed), len(changed))

    def _admit(self, key: int, id: str, tips: Iterable[str]) -> list[Admission]:
        return self.log.admit(id, tips, rows.Known(self.db, key), self.trust, self._now())

    def _admit_again(self, key: int, id: str) -> list[Admission]:
        """Look at all entries of an issue anew; forget and return those that stand otherwise now."""
        tips = self.tips(refs.listing(self._common))[id]
        stored = write.verdicts(self.db, key)
        found = [
            item
            for item in self.log.admit(id, tips, {}, self.trust, self._now())
            if stored.get(item.record.id) != (item.verdict, item.partial)
        ]
        for item in found:
            write.forget_entry(self.db, key, item.record.id)
        return found

    def _overdue(self) -> set[str]:
        """Return the issues in which something waited that is here now."""
        soon = self._now() + MAX_AHEAD_MS
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

    def _fold(self, key: int, id: str, tip: str, admitted: Iterable[Admission], seq: int) -> None:
        heads = write.heads(self.db, key)
        tips = self._reached(tip, heads)
        if not heads <= tips:  # the ref was moved sideways: what it no longer reaches no longer counts
            write.forget_issue(self.db, key)
            again = self._admit(key, id, tips)
            seq = write.add_entries(self.db, [(key, item) for item in again])
            schema.set_meta(self.db, "epoch", self._token())
            admitted = again
        kept = [item.record for item in admitted if item.verdict in ("ok", "muted")]
        stored = self.db.execute("select state from issues where key = ?", (key,)).fetchone()[0]
        state = write.state(self.db, key) if stored else None
        if state is None or not all(fold.advance(state, record) for record in kept):
            state = fold.fold(write.records(self.db, key))
        if state.created:
            write.put_issue(self.db, key, tip, state, seq, self.workflow)
        else:
            write.hide(self.db, key, tip, seq)

    def _reached(self, tip: str, heads: set[str]) -> set[str]:
        return {tip} | {head for head in heads if refs.target(self._common, refs.KEEP + head)}

    def _admit_trust(self) -> None:
        if self.db.execute("select 1 from entries where issue = ?", (write.TRUST,)).fetchone():
            return
        for entry, proof in self.log.read_trust(self._trust_tips or ()):
            self.take_trust(admission(entry, proof, self.trust, "ok", ""))

    def _same_rules(self) -> bool:
        return schema.meta(self.db, "trust") == " ".join(self._trust_tips or ()) and reading.same_workflow(
            self.db, self.workflow
        )


__all__ = ["Progress", "Projection", "Trust"]
