"""The verb that exchanges with remotes."""

import sys
from contextlib import contextmanager

from git_tracker.cli.call import Call
from git_tracker.cli.escape import line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from git_tracker.store import Step, Summary

SYNC = """\
tracker sync [REMOTE...]

Exchanges issues with remotes, through your own git: fetches what others wrote,
sends what they have not. Without a name: those of [sync] in git-tracker.toml,
or `origin`. Offline is no harm: sync later. Nothing of your branches moves.

  --fetch-only            take in what is there, send nothing

Example: tracker sync origin
"""


def sync(call: Call) -> None:
    from git_tracker.server import settings
    from git_tracker.store import SyncEngine, find_workspace

    if find_workspace(call.path):
        _everywhere(call)
        return
    store = call.store()
    found = settings.load(store.place).sync
    engine = SyncEngine(store, most_bad=found.most_quarantined)
    names = call.texts("remote") or found.remotes or [""]
    by = None if call.given("fetch-only") or not store.root else call.signer(store)
    done = []
    for name in names:
        with _progress(call) as step:
            done.append(engine.sync(by, name, step))
        if not store.root:
            call.note(f"{done[-1].remote} holds no tracker, and there is none here; `tracker init` makes one")
        elif by is None and not call.given("fetch-only"):
            call.note(f"this tracker came from {done[-1].remote}; its root is {store.root[:12]}")
        if not call.as_json:
            _tell(call, done[-1])
    if call.as_json:
        call.json({"items": [one.to_json() for one in done], "next": None, "total": len(done)})


def _everywhere(call: Call) -> None:
    """Exchange all repositories of a workspace."""
    from git_tracker.store import exchange

    tracker = call.tracker()
    by = None if call.given("fetch-only") else call.signer(tracker)
    done = [exchange(tracker, by, name) for name in call.texts("remote") or [""]]
    if call.as_json:
        call.json({"items": [one.to_json() for one in done], "next": None, "total": len(done)})
        return
    for one in done:
        _tell(call, one)


def _tell(call: Call, done: "Summary") -> None:
    parts = [f"{done.sent} sent", f"{done.received} received"]
    parts += [f"{done.held} held"] if done.held else []
    parts += [f"{done.conflicted} with a conflict"] if done.conflicted else []
    call.print(f"{line(done.remote)}: {', '.join(parts)}; {done.devices} device{'s' * (done.devices != 1)}")
    if done.held:
        call.note("`tracker quarantine list` shows what has no effect, and why")
    for device in done.withheld:
        kept = "put back" if device in done.restored else "kept here"
        call.note(f"{done.remote} lost the latest of device {device}; {kept}")
    for device, reason in done.refused.items():
        call.note(f"{device} was not taken in: {reason}")


@contextmanager
def _progress(call: Call) -> "Iterator[Step]":
    """Show on a terminal what is being done, and leave nothing of it."""
    if call.as_json or not sys.stderr.isatty():
        yield lambda _: None
        return

    def show(what: str) -> None:
        sys.stderr.write(f"\r\x1b[K{what}")
        sys.stderr.flush()

    try:
        yield lambda what: show(f"{line(what)} …")
    finally:
        show("")
