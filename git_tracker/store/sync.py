"""Exchange with remotes: fetch what other devices know, tell what this one knows (docs/FORMAT.md, section 7).

Every device moves one ref of its own and only forwards, so pushes are not rejected and nothing is merged. Whatever
happens on the way, what is here stays: refs of ours follow what was fetched, under the tracker's lock, or not at all.
"""

import os
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from git_tracker.errors import Refused, Unusable
from git_tracker.store import device, refs
from git_tracker.store.identity import Signer
from git_tracker.store.lock import held
from git_tracker.store.remotes import Remotes
from git_tracker.store.store import IssueStore

MAX_BAD = 1_000  # quarantined entries that one remote may bring before it is refused

Step = Callable[[str], None]  # is told what is being done


class Summary(NamedTuple):
    """What one exchange did: counts of entries and issues, and the devices that something is to be said of."""

    remote: str
    sent: int
    received: int
    held: int  # of those received: quarantined, muted or waiting
    conflicted: int  # issues with a conflict among those that received something
    withheld: tuple[str, ...]  # devices whose ref went back or vanished there
    restored: tuple[str, ...]  # of those, the ones that were put back
    refused: Mapping[str, str]  # device -> why its checkpoint was not taken in
    devices: int

    def to_json(self) -> dict[str, Any]:
        return self._asdict() | {"refused": dict(self.refused)}


class SyncEngine:
    """Exchanges one tracker with its remotes; several processes may try at once and take turns."""

    def __init__(self, store: IssueStore, remotes: Remotes | None = None, *, most_bad: int = MAX_BAD) -> None:
        self._store, self._most_bad = store, most_bad
        self._remotes = remotes or Remotes(store.objects, store.home)

    def sync(self, by: Signer | None, remote: str = "", step: Step = lambda _: None) -> Summary:
        """Exchange with one remote, `origin` unless named; without a signer only fetch. Raises what says why not."""
        name = self._remotes.chosen(remote)
        os.makedirs(self._store.home, mode=0o700, exist_ok=True)
        with held(os.path.join(self._store.home, "sync.lock")):
            return self._exchange(by, name, step)

    def first(self) -> str:
        """Fetch before this clone makes a root of its own; return the remote's name, empty where there is none."""
        if not self._store.objects.remotes():
            return ""
        return self.sync(None).remote

    def _exchange(self, by: Signer | None, remote: str, step: Step) -> Summary:
        store = self._store
        store.refresh()
        step(f"asking {remote}")
        listed = self._remotes.devices(remote)
        if self._is_shared(listed):
            store.renew_device()
        before = store.exchanged(remote)
        known = self._known(remote)
        withheld = sorted(one for one, id in known.items() if self._went_back(id, listed.get(one)))
        wanted = [d for d, id in listed.items() if d not in withheld and d != store.device and known.get(d) != id]
        if wanted and before.bad >= self._most_bad:
            raise Refused(
                f"{remote} has sent {before.bad} entries that fail verification, so nothing more is taken from it",
                "look at `tracker quarantine list`; `most_quarantined` in [sync] allows more", code="too_many_bad",
            )  # fmt: skip
        refused: dict[str, str] = {}
        if wanted:
            step(f"fetching {len(wanted)} device{'s' * (len(wanted) > 1)} from {remote}")
            refused = self._remotes.fetch(remote, wanted)
        step("folding what came")
        store.refresh(wait=True)
        refused |= {one: flaw for one, flaw in store.refused_checkpoints(remote).items() if one in listed}
        came = store.arrived_since(before.now)
        upto, sent, restored = before.told, 0, list[str]()
        if by:
            heard = [id for one, id in self._known(remote).items() if listed.get(one) == id]
            upto, moved, restored = self._tell(by, remote, listed, withheld, [] if before.untold else heard, step)
            sent = before.untold if moved else 0
        elif before.untold == 0:  # what just came is known there
            upto = before.now + came.entries
        store.note_exchange(remote, before.bad + came.bad, upto)
        return Summary(
            remote, sent, came.entries, came.held, came.conflicted, tuple(withheld), tuple(restored), refused,
            len({*listed, *self._known(remote), *filter(None, [store.device])}),
        )  # fmt: skip

    def _tell(
        self, by: Signer, remote: str, listed: Mapping[str, str], withheld: list[str], heard: list[str], step: Step
    ) -> tuple[int, bool, list[str]]:  # fmt: skip
        """Push this device's checkpoint, unless all that is new was `heard`, and those that the remote has lost.

        Return up to which entry it knows all now, whether ours moved, and which were put back.
        """
        store = self._store
        for _attempt in range(3):
            newest, upto = store.checkpoint(by, listed.get(store.device, ""), heard)
            own = store.device
            lost = {refs.of_device(remote, one): one for one in withheld}
            if listed.get(own) != newest:
                step(f"telling {remote}")
                lost[refs.DEVICES + own] = own
            if not lost:
                return upto, False, []
            told = {one.device: one for one in self._remotes.push(remote, lost)}
            restored = [one for one in withheld if one in told and told[one].state in ("new", "moved")]
            mine = told.get(own)
            if mine and mine.state == "refused":
                raise self._remotes.refusal(remote, mine)
            if mine is None or mine.state != "behind":
                return upto, mine is not None and mine.state != "same", restored
            listed = self._remotes.devices(remote)
            if self._is_shared(listed):
                store.renew_device()
        raise Unusable(f"{remote} kept refusing this device's ref", "sync again", code="busy")

    def _known(self, remote: str) -> dict[str, str]:
        """Return the checkpoints of others that were fetched from a remote, by device."""
        found = refs.below(self._store.place.common, refs.of_device(remote, ""))
        return {name: id for name, id in found.items() if device.is_id(name) and name != self._store.device}

    def _went_back(self, known: str, now: str | None) -> bool:
        return now is None or (now != known and self._store.objects.descends(known, now))

    def _is_shared(self, listed: Mapping[str, str]) -> bool:
        """Return whether another clone moves the ref that this one takes for its own, as after copying the folder."""
        own = self._store.device
        mine = self._store.objects.target(refs.DEVICES + own) if own else None
        there = listed.get(own)
        return there is not None and (mine is None or not self._store.objects.descends_or_is(mine, there))
