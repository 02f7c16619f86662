"""Exchange with remotes: fetch what other devices know, tell what this one knows (docs/FORMAT.md, section 9).

Every device moves one ref of its own and only forwards, so pushes are not rejected and nothing is merged. Whatever
happens on the way, what is here stays: refs of ours follow what was fetched, under the tracker's lock, or not at all.
"""

import os
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from git_tracker.errors import Refused, Unusable
from git_tracker.store import refs
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
        self._remotes = remotes or Remotes(store.place)

    @property
    def remotes(self) -> Remotes:
        return self._remotes

    def sync(self, by: Signer | None, remote: str = "", step: Step = lambda _: None) -> Summary:
        """Exchange with one remote, `origin` unless named; without a signer only fetch. Raises what says why not."""
        name = self._remotes.chosen(remote)
        os.makedirs(self._store.home, mode=0o700, exist_ok=True)
        with held(os.path.join(self._store.home, "sync.lock")):
            return self._exchange(by, name, step)

    def first(self) -> str:
        """Fetch before this clone makes a root of its own; return the remote's name, empty where there is none."""
        if not self._remotes.names():
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
        withheld = sorted(device for device, id in known.items() if self._went_back(id, listed.get(device)))
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
        store.refresh(force=bool(wanted), wait=True)
        refused |= {device: flaw for device, flaw in store.refused_checkpoints(remote).items() if device in listed}
        came = store.arrived_since(before.now)
        told, restored = self._tell(by, remote, listed, withheld, step) if by else (False, [])
        store.note_exchange(remote, before.bad + came.bad, told=by is not None or not before.untold)
        return Summary(
            remote, before.untold if told else 0, came.entries, came.held, came.conflicted, tuple(withheld),
            tuple(restored), refused, len({*listed, *self._known(remote), *filter(None, [store.device])}),
        )  # fmt: skip

    def _tell(
        self, by: Signer, remote: str, listed: Mapping[str, str], withheld: list[str], step: Step
    ) -> tuple[bool, list[str]]:
        """Push this device's checkpoint, and those that the remote has lost; return whether ours moved, and which."""
        store = self._store
        for _attempt in range(3):
            newest = store.checkpoint(by)
            own = store.device
            lost = {refs.of_device(remote, device): device for device in withheld}
            if listed.get(own) != newest:
                step(f"telling {remote}")
                lost[refs.DEVICES + own] = own
            if not lost:
                return False, []
            told = {one.device: one for one in self._remotes.push(remote, lost)}
            mine = told.get(own)
            if mine is None or mine.state != "refused":
                return mine is not None, [device for device in withheld if told[device].state in ("new", "moved")]
            listed = self._remotes.devices(remote)
            if self._is_shared(listed):
                store.renew_device()
        raise Unusable(f"{remote} kept refusing this device's ref", "sync again", code="busy")

    def _known(self, remote: str) -> dict[str, str]:
        prefix = refs.of_device(remote, "")
        listing = refs.listing(self._store.place.common)
        return {name.removeprefix(prefix): id for name, id in listing.items() if name.startswith(prefix)}

    def _went_back(self, known: str, now: str | None) -> bool:
        return now is None or (now != known and self._store.objects.descends(known, now))

    def _is_shared(self, listed: Mapping[str, str]) -> bool:
        """Return whether another clone moves the ref that this one takes for its own, as after copying the folder."""
        own = self._store.device
        mine = self._store.objects.target(refs.DEVICES + own) if own else None
        there = listed.get(own)
        return there is not None and (mine is None or not self._store.objects.descends_or_is(mine, there))
