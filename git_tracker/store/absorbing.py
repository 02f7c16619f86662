"""Taking entries into the index: read, judge, number, fold. `Projection` says which issues, and when.

Works on what the index and the repository hold alone, a portion of issues at a time.
"""

from collections.abc import Callable, Container, Iterable, Mapping
from functools import partial
from itertools import islice

from git_tracker.store import fold, policy, refs, trust
from git_tracker.store.chains import Chains
from git_tracker.store.index import rows, schema, write
from git_tracker.store.index.schema import Db
from git_tracker.store.log import EventLog, Found, links
from git_tracker.store.progress import Progress
from git_tracker.store.state import State
from git_tracker.store.verdicts import ENDS, Admission
from git_tracker.store.workflow import Workflow

_PORTION = 200  # issues read at once; what is in memory is theirs alone


class Absorber:
    """Takes issues into one index. `now` returns milliseconds since 1970, `token` a new epoch name."""

    def __init__(
        self, db: Db, log: EventLog, root: str, workflow: Workflow, now: Callable[[], int], token: Callable[[], str]
    ) -> None:
        self.db, self.log, self.workflow = db, log, workflow
        self._common = log.objects.place.common
        self._now, self._token = now, token
        self._refs = refs.Listing(self._common)
        self.trust = trust.fold(root, ())

    def latest_ms(self) -> int:
        """Return the latest time this index ever saw: a clock that was set back makes nothing lie in the future."""
        return max(self._now(), int(schema.meta(self.db, "clock") or 0))

    def tips(self, listing: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
        """Return what reaches all entries of each issue: its ref, and what else is kept of it."""
        kept = refs.kept(listing)
        return {id: (tip, *sorted(write.among(self.db, id, kept) - {tip})) for id, tip in refs.issues(listing).items()}

    def tip_of(self, id: str) -> str:
        """Return what the ref of an issue points to, or nothing; a listing may miss a file that is replaced meanwhile."""
        ref = refs.issue(id)
        return self._refs.target(ref) or refs.target(self._common, ref)

    def tips_of(self, id: str) -> tuple[str, ...]:
        """Return what reaches all entries of one issue."""
        kept, tip = refs.kept(self._refs.others), self.tip_of(id)
        return (tip, *sorted(write.among(self.db, id, kept) - {tip}))

    def _absorb(self, changed: Mapping[str, tuple[str, ...]], again: set[str], progress: Progress | None) -> None:
        """Take in what is new, a portion at a time; `again` are issues of which everything is to be judged anew."""
        todo = dict(sorted(changed.items(), key=lambda item: item[0] in again))
        again, done, portions = {*again}, 0, 0
        while todo:
            portion = {id: todo.pop(id) for id in list(islice(todo, _PORTION))}
            late = self._absorb_portion(portion, again)
            done, portions = done + len(portion), portions + 1
            if not todo and portions > 1:
                late |= rows.unfinished(self.db, ENDS) - portion.keys()
            again |= late
            todo |= {id: (*self.tips_of(id), *changed.get(id, ())) for id in late}
            if progress:
                progress(done, done + len(todo))

    def _absorb_portion(self, changed: Mapping[str, tuple[str, ...]], again: set[str]) -> set[str]:
        """Read everything first, then judge: a chain may run through several issues.

        Return other issues that were judged while the entry before one of theirs in its chain was missing.
        """
        chains, keys = rows.chains(self.db), dict[str, int]()
        read: dict[str, list[Found]] = {}
        for id, tips in changed.items():
            key = keys[id] = write.reserve(self.db, id)
            read[id] = self._read_all(id, chains) if id in again else self._read(tips, rows.Known(self.db, key), chains)
        late = rows.followed(self.db, (link for found in read.values() for link in links(found)), self.trust.saw)
        for id in late & changed.keys() - again:
            read[id] = self._read((*self.tips_of(id), *changed[id]), (), chains)
        again = again | late
        admitted: list[tuple[int, Admission]] = []
        for id, key in keys.items():
            judge = self._judge_again if id in again else self._judge
            admitted += [(key, item) for item in judge(key, id, read.pop(id), chains)]
        admitted.sort(key=lambda item: (item[1].record.hlc, item[1].record.id))
        seq = write.add_entries(self.db, admitted)
        by_key: dict[int, list[Admission]] = {}
        for key, item in admitted:
            by_key.setdefault(key, []).append(item)
        for id, tips in changed.items():
            self._fold(keys[id], id, tips[0], by_key.get(keys[id], []), seq)
        return late - changed.keys()

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
        row = write.stored(self.db, id)
        state = write.state(self.db, row) if row and row["state"] else None
        if state is None or not all(fold.advance(state, record) for record in kept):
            state = fold.fold(write.records(self.db, key))
        if state.created:
            self._put(key, tip, state, seq, row)
        else:
            write.hide(self.db, key, tip, seq)

    def _put(self, key: int, tip: str, state: State, seq: int, row: schema.Row | None, *, own: bool = False) -> None:
        """Write an issue's state, as the policy has it that its entries cite; `row` and `own` as `put_issue` says."""
        state.manual = policy.manual_fields(self.trust.policy_at(state.auth))
        write.put_issue(self.db, key, tip, state, seq, self.workflow, row, own=own)

    def _reached(self, tip: str, heads: set[str]) -> set[str]:
        return {tip} | {head for head in heads - {tip} if refs.target(self._common, refs.KEEP + head)}
