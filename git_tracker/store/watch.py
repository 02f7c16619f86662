"""Noticing what others do: another process, another worktree, a plain `git fetch`. The only home of watchfiles.

Watches the folders of our refs and packed-refs; where the system cannot watch, it looks once a second and says so.
"""

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable

import watchfiles

from git_tracker.store.store import IssueStore

POLL_SECONDS = 1.0

log = logging.getLogger(__name__)


class Watch:
    """Keeps one store up to date until `stop`. `watching` is False where it has to poll."""

    def __init__(self, store: IssueStore) -> None:
        self._store = store
        self._stop = asyncio.Event()
        self.watching = False

    def stop(self) -> None:
        self._stop.set()

    async def run(self, ready: Callable[[], None] = lambda: None) -> None:
        """Refresh the store whenever one of our refs changes."""
        common = self._store.place.common
        with contextlib.suppress(OSError):  # read-only: what is there is watched all the same
            os.makedirs(os.path.join(common, "refs/git-tracker/issues"), exist_ok=True)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._follow(os.path.join(common, "refs/git-tracker"), deep=True))
                tasks.create_task(self._follow(common, deep=False))
                self.watching = True
                ready()
        except* (OSError, RuntimeError) as failures:
            self.watching = False
            log.warning("watching is not possible here, looking once a second instead: %s", failures.exceptions[0])
            ready()
            await self._poll()

    async def _follow(self, folder: str, *, deep: bool) -> None:
        def of_ours(_: watchfiles.Change, path: str) -> bool:
            return not path.endswith(".lock") and (deep or os.path.basename(path) == "packed-refs")

        async for _ in watchfiles.awatch(
            folder, watch_filter=of_ours, debounce=20, step=5, recursive=deep, stop_event=self._stop, rust_timeout=1000
        ):
            await self._refresh()

    async def _poll(self) -> None:
        while not self._stop.is_set():
            await self._refresh()
            try:
                await asyncio.wait_for(self._stop.wait(), POLL_SECONDS)
            except TimeoutError:
                continue

    async def _refresh(self) -> None:
        try:
            await asyncio.to_thread(self._store.refresh, wait=True)
        except Exception:  # the next change is another chance
            log.exception("could not catch up")
