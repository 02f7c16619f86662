"""What this clone tells others: one signed checkpoint of all it knows, grown by what is new since the last."""

from typing import NamedTuple

from git_tracker.store import checkpoints, commit, device, refs
from git_tracker.store.identity import Signer
from git_tracker.store.index import arrived, schema, write
from git_tracker.store.keeping import Keeper
from git_tracker.store.lock import held


class Exchanged(NamedTuple):
    """How an exchange with a remote stands: the last entry here, how many it was not told of, how many bad it sent."""

    now: int
    untold: int
    bad: int


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
            self._db.execute("delete from meta where name like 'chain %'")  # that clone goes on with the chains
            return device.renew(self.home, self._entropy)

    def checkpoint(self, by: Signer) -> str:
        """Sign what this clone knows now; return the newest checkpoint, also where nothing is new since it was made."""
        self._require_writable()
        with self._lock, held(self._lock_path):
            self._catch_up(force=False)
            own = device.own(self.home) or device.renew(self.home, self._entropy)
            last = self._objects.target(refs.DEVICES + own)
            trust = self._trust_heads()
            seq, noted = write.last_seq(self._db), f"{last} {' '.join(sorted(trust))}"
            mark, _, since = schema.meta(self._db, "checkpoint").partition("@")
            if last and mark == noted and since == str(seq):
                return last
            self._db.execute("begin immediate")
            try:
                known = int(since) if last and mark.partition(" ")[0] == last else -1
                new = self._grow(by, own, last, known, trust)
                schema.set_meta(self._db, "checkpoint", f"{new} {' '.join(sorted(trust))}@{seq}")
                self._projection.marked(self._clock())
                self._db.execute("commit")
            except BaseException:
                self._roll_back()
                raise
            return new

    def exchanged(self, remote: str) -> Exchanged:
        """Return how far the exchange with a remote had come when it ended last."""
        told, _, bad = schema.meta(self.reader, f"exchange {remote}").partition(" ")
        now = arrived.last_entry(self.reader)
        return Exchanged(now, sum(arrived.counts_since(self.reader, int(told or 0)).values()), int(bad or 0))

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

    def note_exchange(self, remote: str, bad: int, *, told: bool) -> None:
        """Remember how an exchange ended: how many bad entries came in all, and whether all that is here was told."""
        with self._lock, held(self._lock_path):
            self._db.execute("begin immediate")
            before = int(schema.meta(self._db, f"exchange {remote}").partition(" ")[0] or 0)
            schema.set_meta(self._db, f"exchange {remote}", f"{arrived.last_entry(self._db) if told else before} {bad}")
            self._db.execute("commit")

    def _trust_heads(self) -> set[str]:
        trust = self._projection.trust
        return {*trust.heads} | {tip for tip in self._projection.trust_tips if tip not in trust.known}

    def _grow(self, by: Signer, own: str, last: str | None, since: int, trust: set[str]) -> str:
        """Write checkpoints until every head that is new is a parent of one."""
        objects = self._objects
        raw = objects.commit(last) if last else None
        before = checkpoints.decode(last, raw) if last and raw else None
        old = before.tree if before else ""
        tree = checkpoints.grown(objects, old, dict(arrived.changed_since(self._db, since)), trust)
        if before and tree == old:
            return before.id
        told = checkpoints.difference(objects, old, tree)
        new = sorted({head for heads in told.issues.values() for head in heads} | told.trust)
        n, at = (before.n + 1, before.id) if before else (0, None)
        for start in range(0, max(len(new), 1), checkpoints.MAX_PARENTS):
            parents = [*([at] if at else []), *new[start : start + checkpoints.MAX_PARENTS]]
            author = commit.author_line(by.identity.name, by.identity.email, self.now_ms // 1000)
            payload = checkpoints.payload(own, n, self.root, tree, parents, author)
            n, at = n + 1, objects.write_commit(commit.join(payload, by.sign(payload)))
        assert at is not None
        objects.move(refs.DEVICES + own, last, at)
        return at
