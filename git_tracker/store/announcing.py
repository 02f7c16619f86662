"""What this clone tells others: one signed checkpoint of all it knows, grown by what is new since the last."""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import NamedTuple

from git_tracker.errors import Corrupt
from git_tracker.store import checkpoints, commit, device, refs
from git_tracker.store.identity import Signer
from git_tracker.store.index import arrived, read, schema
from git_tracker.store.keeping import Keeper
from git_tracker.store.lock import held

_TOGETHER = 100  # heads that one checkpoint brings
_FEW = 50  # changed issues, or devices, up to which it is cheaper to look what others say than to say it again


class Exchanged(NamedTuple):
    """How an exchange with a remote stands.

    The last entry here, the last one it was told of, how many since, and how many bad ones it sent.
    """

    now: int
    told: int
    untold: int
    bad: int


class Announced(NamedTuple):
    """The newest checkpoint of this device, and the number of the last entry that it covers."""

    id: str
    upto: int


class Came(NamedTuple):
    """What arrived: entries, those of them without effect, those quarantined, and issues with a conflict."""

    entries: int
    held: int
    bad: int
    conflicted: int


class Announcer(Keeper):
    """The device side of one clone."""

    @property
    def device(self) -> str:
        """The id of this clone among those it exchanges with; empty before the first checkpoint."""
        return device.own(self.home)

    def renew_device(self) -> str:
        """Take a new id: the old one is used by another clone as well."""
        self._require_writable()
        with self._lock, held(self._lock_path):
            with schema.transaction(self._db):
                self._db.execute("delete from meta where name like 'chain %'")  # that clone goes on with the chains
            return device.renew(self.home, self._entropy)

    def checkpoint(self, by: Signer, told: str = "", others: Sequence[str] = ()) -> Announced:
        """Sign what this clone knows now; return the newest checkpoint, also where nothing is new since it was made.

        Where our last one, `told`, is known, nothing is said that the checkpoints `others` say: only those may be given
        that brought whatever is new.
        """
        self._require_writable()
        with self._lock, held(self._lock_path):
            self._publisher.settle()
            self._catch_up(force=False)
            own = device.own(self.home) or device.renew(self.home, self._entropy)
            last = self._objects.target(refs.DEVICES + own)
            if last and not self._is_checkpoint(last):
                own, last = self.renew_device(), None
            upto = arrived.last_entry(self._db)
            trust = self._trust_heads()
            seq, noted = read.last_seq(self._db), f"{last} {' '.join(sorted(trust))}"
            mark, _, since = schema.meta(self._db, "checkpoint").partition("@")
            if last and mark == noted and since == str(seq):
                return Announced(last, upto)
            if (
                last
                and last == told
                and mark.partition(" ")[0] == last
                and self._is_said(last, int(since), trust, others)
            ):
                return Announced(last, upto)
            with schema.transaction(self._db):
                known = int(since) if last and mark.partition(" ")[0] == last else -1
                new, alone = self._grow(by, own, last, known, trust)
                schema.set_meta(self._db, "checkpoint", f"{new} {' '.join(sorted(trust))}@{seq}")
            if alone:  # else whoever comes next sees what others did meanwhile
                self._projection.moved(self._clock())
            return Announced(new, upto)

    def exchanged(self, remote: str) -> Exchanged:
        """Return how far the exchange with a remote had come when it ended last."""
        told, _, bad = schema.meta(self.reader, f"exchange {remote}").partition(" ")
        now = arrived.last_entry(self.reader)
        return Exchanged(
            now, int(told or 0), sum(arrived.counts_since(self.reader, int(told or 0)).values()), int(bad or 0)
        )

    def arrived_since(self, number: int) -> Came:
        """Return what was indexed after the entry with that number."""
        counts = arrived.counts_since(self.reader, number)
        entries, fine = sum(counts.values()), counts.get("ok", 0)
        return Came(
            entries, entries - fine, counts.get("quarantined", 0), arrived.conflicted_since(self.reader, number)
        )

    def refused_checkpoints(self, remote: str) -> dict[str, str]:
        """Return why checkpoints of devices, fetched from a remote, were not taken in whole."""
        prefix = refs.of_device(remote, "")
        found = arrived.all(self.reader)
        return {one.ref.removeprefix(prefix): one.flaw for one in found if one.flaw and one.ref.startswith(prefix)}

    def note_exchange(self, remote: str, bad: int, upto: int) -> None:
        """Remember how an exchange ended: how many bad entries came in all, and up to which number all was told."""
        with self._lock, held(self._lock_path), schema.transaction(self._db):
            schema.set_meta(self._db, f"exchange {remote}", f"{upto} {bad}")

    def _is_said(self, last: str, since: int, trust: set[str], others: Sequence[str]) -> bool:
        """Return whether other checkpoints name all heads that are new since our last. Much that is new is not looked at."""
        changed = dict(islice(arrived.changed_since(self._db, since), _FEW + 1))
        if len(changed) > _FEW or len(others) > _FEW:
            return False
        found = [self._said_by(id, changed) for id in (last, *others)]
        return trust <= frozenset().union(*(told.trust for told in found)) and all(
            heads <= frozenset().union(*(told.issues[issue] for told in found)) for issue, heads in changed.items()
        )

    def _said_by(self, id: str, issues: Iterable[str]) -> checkpoints.Told:
        """Return what a checkpoint says of these issues and of trust; nothing if it is malformed."""
        try:
            return checkpoints.told_of(
                self._objects, checkpoints.decode(id, self._objects.commit(id) or b"").tree, issues
            )
        except Corrupt:
            return checkpoints.Told(dict.fromkeys(issues, frozenset()), frozenset())

    def _is_checkpoint(self, id: str) -> bool:
        try:
            return bool(checkpoints.decode(id, self._objects.commit(id) or b""))
        except Corrupt:
            return False

    def _trust_heads(self) -> set[str]:
        trust = self._projection.trust
        return {*trust.heads} | {tip for tip in self._projection.trust_tips if tip not in trust.known}

    def _grow(self, by: Signer, own: str, last: str | None, since: int, trust: set[str]) -> tuple[str, bool]:
        """Write checkpoints until every head that is new is a parent of one; return it, and whether no ref moved meanwhile.

        The oldest first, each dated by its newest head: git walks by date, and so meets what is known already before
        it has looked at all heads (a change of one issue of 10,000 would have it look at each).
        """
        objects = self._objects
        raw = objects.commit(last) if last else None
        before = checkpoints.decode(last, raw) if last and raw else None
        old = before.tree if before else ""
        tree = checkpoints.grown(objects, old, dict(arrived.changed_since(self._db, since)), trust)
        if before and tree == old:
            return before.id, self._projection.is_fresh()
        told = checkpoints.difference(objects, old, tree)
        dated = arrived.dated(self._db, {head for heads in told.issues.values() for head in heads})
        new = sorted((dated.get(head, 0), head) for head in {*dated, *told.trust})
        n, at, now = (before.n + 1, before.id, before.seconds) if before else (0, None, 0)
        for start in range(0, max(len(new), 1), _TOGETHER):
            group = new[start : start + _TOGETHER]
            is_last = start + _TOGETHER >= len(new)
            now = max(now, self.now_ms // 1000 if is_last else group[-1][0])
            author = commit.author_line(by.identity.name, by.identity.email, now)
            parents = [*([at] if at else []), *sorted(head for _, head in group)]
            payload = checkpoints.payload(own, n, self.root, tree, parents, author)
            n, at = n + 1, objects.write_commit(commit.join(payload, by.sign(payload)))
        assert at is not None
        alone = self._projection.is_fresh()
        objects.move(refs.DEVICES + own, last, at)
        return at, alone
