"""Clones of one tracker and the bare repositories they meet at: real git, real processes."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from git_tracker.store import IssueStore, Signer, Summary, SyncEngine
from git_tracker.store.remotes import Remotes

ROOT = Path(__file__).resolve().parents[2]
DEVICES = "refs/git-tracker/devices/"


def git(folder: Path, *words: str | Path, check: bool = True, stdin: bytes = b"") -> str:
    """Run stock git in a repository, as somebody who is no member; return what it prints."""
    argv = ["git", "-C", folder, "-c", "user.name=Mallory", "-c", "user.email=m@example.org", *words]
    done = subprocess.run(argv, input=stdin, capture_output=True, check=False, timeout=120)
    if check and done.returncode:
        raise AssertionError(f"git {words}: {done.stderr.decode(errors='replace')}")
    return done.stdout.decode(errors="replace").strip()


def hub(folder: Path) -> Path:
    """A bare repository that nobody works in."""
    subprocess.run(["git", "init", "--quiet", "--bare", folder], check=True)
    return folder


def told(folder: Path) -> dict[str, str]:
    """The refs of a repository, and what they point at."""
    lines = git(folder, "for-each-ref", "--format=%(refname) %(objectname)").splitlines()
    return {name: id for name, _, id in (line.partition(" ") for line in lines)}


class Clone:
    """A repository with a store on it; Ada works in all of them with one key unless told otherwise."""

    def __init__(self, folder: Path, **remotes: Path) -> None:
        self.path = folder
        if not (folder / ".git").exists():
            subprocess.run(["git", "init", "--quiet", folder], check=True)
        for name, url in remotes.items():
            git(folder, "remote", "add", name, url)
        self.store = IssueStore.open(str(folder))
        self.signer: Signer | None = None  # where the home changes

    def begin(self) -> "Clone":
        """What `tracker init` does: look at the remote, then make a key, and a root if there was none."""
        engine = SyncEngine(self.store)
        if not self.store.root:
            engine.first()
        self.store.init()
        return self

    @property
    def ada(self) -> Signer:
        return self.signer or self.store.signer()

    def agent(self, label: str = "fixer") -> Signer:
        return self.store.delegate(self.ada, client="claude-code/2.1", label=label)

    def sync(self, remote: str = "", **how: Any) -> Summary:
        return SyncEngine(self.store, **how).sync(self.ada, remote)

    def fetch(self, remote: str = "") -> Summary:
        return SyncEngine(self.store).sync(None, remote)

    def patient(self, seconds: float) -> SyncEngine:
        return SyncEngine(self.store, Remotes(self.store.objects, self.store.home, seconds=seconds))

    def new(self, title: str = "Login fails", **fields: Any) -> str:
        return self.store.create_issue(self.ada, {"title": title, **fields})

    @property
    def git_dir(self) -> Path:
        return Path(self.store.place.common)

    def close(self) -> None:
        self.store.close()


Cloning = Callable[..., Clone]


def states(store: IssueStore) -> dict[str, Any]:
    """Everything that all clones must see alike, by issue."""
    store.refresh(force=True, wait=True)
    found = {}
    for row in store.every_issue():
        whole = store.get_issue(str(row["id"]))
        for own in ("short", "claim"):  # shortened, or tentative, as one clone sees it
            whole.pop(own, None)
        found[str(row["id"])] = whole
    return found


def entries(store: IssueStore) -> dict[str, str]:
    """Every entry that is indexed, with its verdict."""
    return {row[0]: row[1] for row in store.reader.execute("select id, verdict from entries where issue > 0")}


def same(clones: Iterable[Clone]) -> None:
    """Expect that all clones hold the same entries and see the same states."""
    first, *others = list(clones)
    for one in others:
        assert entries(one.store) == entries(first.store), one.path.name
        assert states(one.store) == states(first.store), one.path.name


def worker(what: str, clone: Clone | Path, *words: object) -> subprocess.Popen[str]:
    """Start a process that works in a clone: see `tests.store.syncing`."""
    path = clone if isinstance(clone, Path) else clone.path
    return subprocess.Popen(
        [sys.executable, "-m", "tests.store.syncing", what, str(path), *map(str, words)],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip
