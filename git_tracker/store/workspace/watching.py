"""Watching a workspace: each repository that is there is watched, and those that come and go are noticed."""

import asyncio
import contextlib
import logging
from collections.abc import Callable

from git_tracker.store.bus import Cue
from git_tracker.store.store import IssueStore
from git_tracker.store.watch import Watch
from git_tracker.store.workspace.workspace import Workspace

LOOK_SECONDS = 1.0  # between two looks for repositories that came or went

log = logging.getLogger(__name__)


class WorkspaceWatch:
    """Keeps all repositories of a workspace up to date until `stop`."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._stop = asyncio.Event()
        self._running: dict[IssueStore, tuple[Watch, asyncio.Task[None]]] = {}

    @property
    def watching(self) -> bool:
        """Whether every repository that is there is watched, and none has to be polled."""
        return bool(self._running) and all(watch.watching for watch, _ in self._running.values())

    def stop(self) -> None:
        self._stop.set()
        for watch, _ in self._running.values():
            watch.stop()

    async def run(self, ready: Callable[[], None] = lambda: None) -> None:
        """Refresh each repository whenever one of its refs changes; ring the bus when a repository comes or goes."""
        told = False
        try:
            while not self._stop.is_set():
                try:
                    stores = dict(await asyncio.to_thread(self._workspace.stores))
                    if self._follow(set(stores.values())) and told:
                        self._workspace.bus.ring(Cue("", 0))
                except Exception:  # the next look is another chance
                    log.exception("could not look after the workspace")
                if not told:
                    told = True
                    ready()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stop.wait(), LOOK_SECONDS)
        finally:
            self.stop()
            tasks = [task for _, task in self._running.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _follow(self, stores: set[IssueStore]) -> bool:
        """Watch these and no others; return whether that changed anything."""
        gone, new = self._running.keys() - stores, stores - self._running.keys()
        for store in gone:
            watch, task = self._running.pop(store)
            watch.stop()
            task.cancel()
        for store in new:
            watch = Watch(store)
            self._running[store] = (watch, asyncio.create_task(watch.run()))
        return bool(gone or new)
