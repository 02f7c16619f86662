"""Keeping the index in step with git: notice what changed, admit new entries, fold the issues they belong to.

Runs inside the transaction of whoever holds the tracker's lock. Everything here can be thrown away and done again.
"""

from collections.abc import Callable, Container, Iterable, Mapping
from functools import partial

from git_tracker.store import arrivals, fold, policy, reading, refs, trust
from git_tracker.store.chains import Chains
from git_tracker.store.entry import Entry
from git_tracker.store.identity import Proof
from git_tracker.store.index import rows, schema, write
from git_tracker.store.index.schema import Db
from git_tracker.store.log import AHEAD, EventLog, Found, admission, links
from git_tracker.store.state import State
from git_tracker.store.verdicts import ENDS, MAX_AHEAD_MS, Admission
from git_tracker.store.workflow import Workflow

Progress = Callable[[int, int], None]


class Projection:
    """Brings one index up to date.

    `now` returns milliseconds since 1970, `token` a new epoch name, `device` the id of this clone: None where refs
    cannot be written.
    """

    def __init__(
        self, db: Db, log: EventLog, root: str, workflow: Workflow, now: Callable[[], int], token: Callable[[], str],
        device: Callable[[], str | None],
    ) -> None:  # fmt: skip
        self.db, self.log, self.workflow, self._device = db, log, workflow, device
        self._common = log.objects.place.common
        self._now, self._token = now, token
        self._trust_tips: tuple[str, ...] | None = None
        self.trust = trust.fold(root, ())

    def is_fresh(self) -> bool:
        """Return whether no ref of ours changed since the index was last brought up to date."""
        return reading.is_fresh(self.db, self._common, self.workflow, self._now())

    def catch_up(self, clock_ns: int, *, force: bool = False, progress: Progress | None = None) -> None:
        """Make the index equal to git. Must run under the tracker's lock and in a transaction."""
        if not force and self.knows_trust(self.db) and self.is_fresh():
            return
        signature, listing = self._look(clock_ns)
        self.read_trust(listing)
        tips = refs.issues(listing)
        stored = {row[0]: row[1] for row in self.db.execute("select id, tip from issues")}
        for id in stored.keys() - tips.keys():
            if tip := refs.target(self._common, refs.issue(id)):
                tips[id] = tip
        if stored and (stored.keys() - tips.keys() or self._other_rules()):
            schema.clear(self.db, self._token())
            stored = {}
        before, now = schema.meta(self.db, "trust"), " ".join(self._trust_tips or ())
        again = self._overdue() | (self._touched(before) if before != now else set())
        schema.set_meta(self.db, "trust", now)
        schema.set_meta(self.db, "root", self.trust.root)
        schema.set_meta(self.db, "workflow", repr(dict(self.workflow.statuses)))
        if before != now or not stored:
            self._admit_trust()
        if any(stored.get(id) != tip for id, tip in tips.items()):
            again |= rows.unfinished(self.db, ENDS)
        changed = {id: (tip,) for id, tip in tips.items() if stored.get(id) != tip or id in again}
        if changed:
            self._absorb(changed, again, progress)
        if found := self._kept_apart(refs.kept(listing)):
            self._absorb({id: (tips[id], *kept) for id, kept in found.items()}, set(), progress)
        schema.set_meta(self.db, "wake", write.wake(self.db, AHEAD, MAX_AHEAD_MS))
        schema.set_meta(self.db, "clock", str(self.latest_ms()))
        schema.set_meta(self.db, "refs", signature)

    def _look(self, clock_ns: int) -> tuple[refs.Signature, dict[str, str]]:
        """Return all our refs, after what fetched checkpoints tell was taken into them."""
        while True:
            refs.mark(self._common, clock_ns)
            signature = refs.signature(self._common)
            listing = refs.listing(self._common)
            own = self._device()
            if own is None or not arrivals.pending(self.db, listing, own):
                return signature, listing
            arrivals.absorb(self.db, self.log.objects, listing, own)

    def knows_trust(self, db: Db) -> bool:
        """Return whether our trust log is the one the index was judged by; another process may have read a newer one."""
        return self._trust_tips is not None and " ".join(self._trust_tips) == schema.meta(db, "trust")

    def latest_ms(self) -> int:
        """Return the latest time this index ever saw: a clock that was set back makes nothing lie in the future."""
        return max(self._now(), int(schema.meta(self.db, "clock") or 0))

    def read_trust(self, listing: dict[str, str]) -> None:
        """Fold the trust log if one of its tips moved. The first is what our ref of it points to."""
        first = [listing[refs.TRUST]] if refs.TRUST in listing else []
        tips = (*first, *sorted(id for name, id in listing.items() if name.startswith(refs.TRUST_HEADS)))
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

    def take(self, key: int, id: str, found: Admission, state: State | None) -> State:
        """Let one entry of our own writing take effect; `state` is the issue's, None for a new one."""
        seq = write.add_entries(self.db, [(key, found)])
        if state is None:
            state = fold.fold([found.record])
        elif not fold.advance(state, found.record):
            state = fold.fold(write.records(self.db, key))
        self._put(key, found.record.id, state, seq)
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

    def tips_of(self, id: str) -> tuple[str, ...]:
        """Return what reaches all entries of one issue."""
        return self.tips(refs.listing(self._common))[id]

    def _absorb(self, changed: Mapping[str, tuple[str, ...]], again: set[str], progress: Progress | None) -> None:
        """Read everything new first, then judge: a chain may run through several issues."""
        chains, keys = rows.chains(self.db), dict[str, int]()
        read: dict[str, list[Found]] = {}
        for done, (id, tips) in enumerate(changed.items()):
            key = keys[id] = write.reserve(self.db, id)
            read[id] = self._read_all(id, chains) if id in again else self._read(tips, rows.Known(self.db, key), chains)
            if progress and done % 50 == 0:
                progress(done, len(changed))
        late = rows.followed(self.db, (link for found in read.values() for link in links(found))) - again
        if late:  # what was judged while the entry before it in its chain was missing
            again |= late
            changed = {**changed, **{id: (*self.tips_of(id), *changed.get(id, ())) for id in late}}
            for id in late:
                keys[id] = write.reserve(self.db, id)
                read[id] = self._read(changed[id], (), chains)
        admitted: list[tuple[int, Admission]] = []
        for id, key in keys.items():
            judged = (
                self._judge_again(key, id, read.pop(id), chains)
                if id in again
                else self._judge(key, id, read.pop(id), chains)
            )
            admitted += [(key, item) for item in judged]
        admitted.sort(key=lambda item: (item[1].record.hlc, item[1].record.id))
        seq = write.add_entries(self.db, admitted)
        by_key: dict[int, list[Admission]] = {}
        for key, item in admitted:
            by_key.setdefault(key, []).append(item)
        for id, tips in changed.items():
            self._fold(keys[id], id, tips[0], by_key.get(keys[id], []), seq)
        if progress:
            progress(len(changed), len(changed))

    def _read(self, tips: Iterable[str], known: Container[str], chains: Chains) -> list[Found]:
        found = self.log.read(tips, known)
        for chain, link in links(found):
            chains.add(chain, link)
        return found

    def _read_all(self, id: str, chains: Chains) -> list[Found]:
        return self._read(self.tips_of(id), (), chains)

    def _judge(self, key: int, id: str, found: Iterable[Found], chains: Chains) -> list[Admission]:
        about, parent = rows.Known(self.db, key), partial(rows.created_under, self.db, key)
        return self.log.judge(id, found, about, self.trust, chains, self.latest_ms(), parent)

    def _judge_again(self, key: int, id: str, found: Iterable[Found], chains: Chains) -> list[Admission]:
        """Judge all entries of an issue anew; forget and return those that stand otherwise now."""
        stored = write.verdicts(self.db, key)
        judged = [
            item
            for item in self.log.judge(id, found, {}, self.trust, chains, self.latest_ms(), lambda: None)
            if stored.get(item.record.id) != (item.verdict, item.partial, item.record.actor, item.record.review)
        ]
        for item in judged:
            write.forget_entry(self.db, key, item.record.id)
        return judged

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

    def _fold(self, key: int, id: str, tip: str, admitted: Iterable[Admission], seq: int) -> None:
        heads = write.heads(self.db, key)
        tips = self._reached(tip, heads)
        if not heads <= tips:  # the ref was moved sideways: what it no longer reaches no longer counts
            write.forget_issue(self.db, key)
            chains = rows.chains(self.db)
            again = self._judge(key, id, self._read(tips, (), chains), chains)
            seq = write.add_entries(self.db, [(key, item) for item in again])
            schema.set_meta(self.db, "epoch", self._token())
            admitted = again
        kept = [item.record for item in admitted if item.verdict in ("ok", "muted")]
        stored = self.db.execute("select state from issues where key = ?", (key,)).fetchone()[0]
        state = write.state(self.db, key) if stored else None
        if state is None or not all(fold.advance(state, record) for record in kept):
            state = fold.fold(write.records(self.db, key))
        if state.created:
            self._put(key, tip, state, seq)
        else:
            write.hide(self.db, key, tip, seq)

    def _put(self, key: int, tip: str, state: State, seq: int) -> None:
        """Write an issue's state, as the policy has it that its entries cite."""
        state.manual = policy.manual_fields(self.trust.policy_at(state.auth))
        write.put_issue(self.db, key, tip, state, seq, self.workflow)

    def _reached(self, tip: str, heads: set[str]) -> set[str]:
        return {tip} | {head for head in heads - {tip} if refs.target(self._common, refs.KEEP + head)}

    def _admit_trust(self) -> None:
        known = write.verdicts(self.db, write.TRUST)
        for entry, proof in self.log.read_trust(self._trust_tips or ()):
            if entry.id not in known:
                self.take_trust(admission(entry, proof, self.trust, "ok", ""))

    def _other_rules(self) -> bool:
        return schema.meta(self.db, "root") != self.trust.root or not reading.same_workflow(self.db, self.workflow)
