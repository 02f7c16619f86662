"""Keeping the index in step with git: notice what changed, admit new entries, fold the issues they belong to.

Runs inside the transaction of whoever holds the tracker's lock. Everything here can be thrown away and done again.
"""

from collections.abc import Callable, Iterable, Sequence

from git_tracker.store import fold, reading, refs, trust
from git_tracker.store.index import rows, schema, write
from git_tracker.store.index.schema import Db
from git_tracker.store.log import EventLog, admission
from git_tracker.store.state import State
from git_tracker.store.trust import Admission, Trust
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
        return reading.is_fresh(self.db, self._common, self.workflow)

    def catch_up(self, clock_ns: int, *, force: bool = False, progress: Progress | None = None) -> None:
        """Make the index equal to git. Must run under the tracker's lock and in a transaction."""
        if not force and self._trust_tips is not None and self.is_fresh():
            return
        refs.mark(self._common, clock_ns)
        signature = refs.signature(self._common)
        listing = refs.listing(self._common)
        self.read_trust(listing)
        tips = {name.removeprefix(refs.ISSUES): id for name, id in listing.items() if name.startswith(refs.ISSUES)}
        stored = {row[0]: row[1] for row in self.db.execute("select id, tip from issues")}
        if stored and (stored.keys() - tips.keys() or not self._same_rules()):
            schema.clear(self.db, self._token())
            stored = {}
        schema.set_meta(self.db, "trust", " ".join(self._trust_tips or ()))
        schema.set_meta(self.db, "root", self.trust.root)
        schema.set_meta(self.db, "workflow", repr(dict(self.workflow.statuses)))
        changed = [(id, tip) for id, tip in tips.items() if stored.get(id) != tip and _is_id(id)]
        if changed:
            self._absorb(changed, progress)
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

    def _absorb(self, changed: Sequence[tuple[str, str]], progress: Progress | None) -> None:
        admitted: list[tuple[int, Admission]] = []
        keys: dict[str, int] = {}
        for done, (id, tip) in enumerate(changed):
            key = keys[id] = write.reserve(self.db, id)
            write.forget_waiting(self.db, key)
            found = self.log.admit(id, (tip,), rows.Known(self.db, key), self.trust, self._now())
            admitted += [(key, item) for item in found]
            if progress and done % 50 == 0:
                progress(done, len(changed))
        admitted.sort(key=lambda item: (item[1].record.hlc, item[1].record.id))
        self._admit_trust()
        seq = write.add_entries(self.db, admitted)
        by_key: dict[int, list[Admission]] = {}
        for key, item in admitted:
            by_key.setdefault(key, []).append(item)
        for id, tip in changed:
            self._fold(keys[id], tip, by_key.get(keys[id], []), seq)
        if progress:
            progress(len(changed), len(changed))

    def _fold(self, key: int, tip: str, admitted: Iterable[Admission], seq: int) -> None:
        heads = write.heads(self.db, key)
        if not heads <= {tip}:  # the ref was moved sideways: what it no longer reaches no longer counts
            write.forget_issue(self.db, key)
            id = self.db.execute("select id from issues where key = ?", (key,)).fetchone()[0]
            again = self.log.admit(id, (tip,), rows.Known(self.db, key), self.trust, self._now())
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

    def _admit_trust(self) -> None:
        if self.db.execute("select 1 from entries where issue = ?", (write.TRUST,)).fetchone():
            return
        for entry, proof in self.log.read_trust(self._trust_tips or ()):
            self.take_trust(admission(entry, proof, self.trust, "ok", ""))

    def _same_rules(self) -> bool:
        return schema.meta(self.db, "trust") == " ".join(self._trust_tips or ()) and reading.same_workflow(
            self.db, self.workflow
        )


def _is_id(text: str) -> bool:
    return len(text) == 40 and not text.strip("0123456789abcdef")


__all__ = ["Progress", "Projection", "Trust"]
