"""Exchanging with remotes now and then, while the page is served."""

import asyncio
import logging
from collections.abc import Sequence

from git_tracker.errors import TrackerError
from git_tracker.store import Signer, Tracker, exchange

log = logging.getLogger(__name__)


class Exchanges:
    """Syncs one store with its remotes every so many seconds. What fails is said once, and tried again."""

    def __init__(self, store: Tracker, by: Signer | None, remotes: Sequence[str], every: float, most_bad: int) -> None:
        self._store, self._by, self._every = store, by, every
        self._remotes = list(remotes) or [""]
        self._most_bad = most_bad
        self._troubles: dict[str, str] = {}

    async def run(self) -> None:
        """Go on until cancelled."""
        while True:
            for remote in self._remotes:
                await asyncio.to_thread(self._once, remote)
            await asyncio.sleep(self._every)

    def _once(self, remote: str) -> None:
        try:
            done = exchange(self._store, self._by, remote, most_bad=self._most_bad)
        except TrackerError as error:
            self._tell(remote, str(error))
        except Exception as error:
            log.exception("could not sync")
            self._tell(remote, str(error))
        else:
            gone = ", ".join(done.withheld)
            self._tell(
                remote, f"{done.remote} lost the latest of {gone}; put back: {', '.join(done.restored)}" if gone else ""
            )

    def _tell(self, remote: str, trouble: str) -> None:
        if trouble and self._troubles.get(remote) != trouble:
            log.warning("sync: %s", trouble)
        self._troubles[remote] = trouble
