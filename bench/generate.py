"""Repositories as they look after months of work by agents: `python bench/generate.py 10000 [FOLDER]`.

Long-tailed histories of about ten events an issue, texts as long as real ones, agent sessions of about 200 events.
Everything goes through the store's one write path, a session at a time, with a clock of the past. The same seed and
size give the same ids; what was made is kept outside the repository and copied for every run.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import zlib
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

from texts import Vocabulary, drawn

from git_tracker.errors import Refused
from git_tracker.store import IssueStore, Signer, Writing, changes

VERSION = 3  # of what is generated: session ids are bound to their issuer
START = 1_704_067_200  # 2024-01-01, in seconds
SESSION_EVENTS = 200
PERSON = ("Ada Bench", "ada@example.org")
_CLIENTS = ("claude-code/2.1", "codex/1.4", "fastmcp/4.1", "inspector/2.12")
_PACK_AFTER = 20_000  # entries in one pack of the making
_NOT_KEPT = ("GIT_", "TRACKER_", "XDG_", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED")  # as installed: with .pyc files
_STEPS = "comment label priority description assignee title criterion relates blocks estimate".split()
_SHARES = (58, 8, 5, 8, 5, 2, 3, 4, 4, 3)


class Issue:
    """One issue in the making: how many events it is still to get, and whether it ends as done."""

    __slots__ = ("done", "id", "left", "started")

    def __init__(self, id: str, left: int, done: bool) -> None:
        self.id, self.left, self.done, self.started = id, left, done, False


class Making:
    """Fills one repository. With `texts=False` texts are a word each, so that what is left is what we add."""

    def __init__(self, folder: Path, seed: int, *, texts: bool = True) -> None:
        self._random = Random(f"repository {seed}")
        self._seconds = START
        self._vocabulary = Vocabulary(seed)
        self._texts = texts
        self._labels = [f"area:{self._vocabulary.word(self._random)}" for _ in range(60)]
        self._open: list[Issue] = []
        self._all: list[str] = []
        self.entries = self.events = 0
        self.folder = folder
        chance = Random(f"keys {seed}")
        self.store = IssueStore.open(str(folder), clock=lambda: self._seconds * 10**9, entropy=chance.randbytes)
        chance.seed(f"person {seed}")  # the same for all sizes and versions: one key signs on every copy
        self._person, _ = self.store.init()
        self._raws: list[bytes] = []
        self.store.objects.write_commit = self._keep  # type: ignore[method-assign]

    def fill(self, issues: int) -> None:
        sessions = 0
        while len(self._all) < issues or self._open:
            sessions += 1
            signer = self._person if sessions % 10 == 0 else self._agent(sessions)
            self.store.import_entries(signer, lambda writing: self._session(writing, issues))
            if len(self._raws) > _PACK_AFTER:
                self._flush()
        self._flush()
        self.health = self.store.health()
        self.store.close()

    def _keep(self, raw: bytes) -> str:
        """Take a commit that the store writes: a file for each would cost more than all the rest."""
        self._raws.append(raw)
        return ""

    def _flush(self) -> None:
        """Put the commits into a pack (gitformat-pack(5)) and the refs into packed-refs."""
        parts = [b"PACK" + (2).to_bytes(4, "big") + len(self._raws).to_bytes(4, "big")]
        for raw in self._raws:
            size, head = len(raw) >> 4, [0x10 | len(raw) & 15]  # type 1: commit
            while size:
                head[-1] |= 0x80
                head.append(size & 0x7F)
                size >>= 7
            parts += [bytes(head), zlib.compress(raw, 1)]
        body = b"".join(parts)
        body += hashlib.sha1(body, usedforsecurity=False).digest()
        subprocess.run(
            ["git", "-C", str(self.folder), "index-pack", "--stdin"], input=body, check=True, stdout=subprocess.DEVNULL
        )
        git(self.folder, "pack-refs", "--all")
        self._raws.clear()

    def _agent(self, number: int) -> Signer:
        client = self._random.choice(_CLIENTS)
        return self.store.delegate(self._person, client=client, label=f"agent-{number}")

    def _session(self, writing: Writing, issues: int) -> list[str]:
        end = self.events + SESSION_EVENTS
        while self.events < end and (len(self._all) < issues or self._open):
            self._seconds += self._random.randint(5, 120)
            writing.now_ms = self._seconds * 1000
            writing.context = writing.context._replace(now_ms=writing.now_ms)
            if len(self._all) < issues and (len(self._open) < 20 or self._random.random() < 0.13):
                self._create(writing)
            else:
                self._work(writing)
        self._seconds += self._random.randint(60, 900)
        return []

    def _create(self, writing: Writing) -> None:
        fields: dict[str, Any] = {
            "title": self._line("title"), "description": self._text("description"),
            "type": self._random.choice(("task", "task", "task", "bug", "feature", "chore")),
            "priority": drawn(self._random, "priority"),
            "labels": self._random.sample(self._labels, drawn(self._random, "labels")),
        }  # fmt: skip
        if self._all and self._random.random() < 0.08:
            fields["parent"] = self._random.choice(self._all[-200:])
        before = len(writing.records)
        id = writing.create([fields])[0]
        events = 1 + len(fields["labels"]) + ("parent" in fields)
        left = min(600, round(self._random.lognormvariate(1.75, 0.95)) + 1)
        self._open.append(Issue(id, left, self._random.random() < 0.7))
        self._all.append(id)
        self._count(len(writing.records) - before, events)

    def _work(self, writing: Writing) -> None:
        near = self._open[-60:] if self._random.random() < 0.8 else self._open
        issue = self._random.choice(near)
        before = len(writing.records)
        made = 0

        def decide(state: Any, context: Any) -> list[Any]:
            nonlocal made
            found = self._step(issue, state, context)
            made = len(found)
            return found

        with suppress(Refused):  # a link that would close a circle
            writing.change(issue.id, decide)
        issue.left -= max(1, made)
        if issue.left <= 0:
            self._open.remove(issue)
        self._count(len(writing.records) - before, made)

    def _step(self, issue: Issue, state: Any, context: Any) -> list[Any]:
        """Return the events of one entry: claim, some work, and finish at the end of the issue's life."""
        held = state.claim(context.now_ms)
        mine = held is None or held.actor == context.actor
        if issue.done and mine and issue.left <= 4:
            unchecked = [part for part in state.criteria if not state.value(f"checked:{part}")]
            if unchecked:
                issue.left += 1
                return changes.update(state, {"check_criteria": unchecked}, context)
            issue.left = 0
            proof = [{"kind": "commit", "value": self._random.randbytes(20).hex()}]
            return changes.finish(state, self._line("summary"), proof, context)
        if mine and not issue.started and issue.left > 4 and self._random.random() < 0.5:
            issue.started = True
            return changes.claim(state, 4 * 3600, context)
        found = self._change(self._random.choices(_STEPS, _SHARES)[0], issue, state, context)
        return found or changes.comment(self._text("comment") or "seen")

    def _change(self, step: str, issue: Issue, state: Any, context: Any) -> list[Any]:
        random = self._random
        if step in ("relates", "blocks"):
            later = [other.id for other in self._open if other.id > issue.id]  # one way only: no circles
            return changes.link(state, step, random.choice(later), False) if later else []
        what: dict[str, Any] = {}
        if step == "label":
            what["add_labels"] = [random.choice(self._labels)]
        elif step == "priority":
            what["priority"] = drawn(random, "priority")
        elif step == "assignee":
            what["assignee"] = random.choice(("ada", "grace", "edsger", "barbara"))
        elif step == "title":
            what["title"] = self._line("title")
        elif step == "criterion":
            what["add_criteria"] = [self._line("title")]
        elif step == "estimate":
            what["estimate"] = random.randrange(15, 960, 15)
        elif step == "description":
            what["description"] = state.texts.get("description", "") + "\n" + self._line("title")
        return changes.update(state, what, context) if what else []

    def _count(self, entries: int, events: int) -> None:
        self.entries += entries
        self.events += events

    def _line(self, kind: str) -> str:
        length = drawn(self._random, kind)
        return self._vocabulary.line(self._random, length) if self._texts else "word"

    def _text(self, kind: str) -> str:
        length = drawn(self._random, kind)
        return self._vocabulary.text(self._random, length) if self._texts else "word" * (length > 0)


def world(folder: Path) -> dict[str, str]:
    """Return the environment of a run: keys and configuration under `folder`, nothing of the person who runs it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_KEPT)}
    folder.mkdir(parents=True, exist_ok=True)
    name, email = PERSON
    (folder / ".gitconfig").write_text(f"[user]\n\tname = {name}\n\temail = {email}\n", encoding="utf-8")
    return kept | {
        "HOME": str(folder), "XDG_CONFIG_HOME": str(folder / "config"), "XDG_CACHE_HOME": str(folder / "cache"),
        "GIT_CONFIG_GLOBAL": str(folder / ".gitconfig"), "GIT_CONFIG_NOSYSTEM": "1",
    }  # fmt: skip


def git(folder: Path | str, *words: str) -> str:
    return subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True, text=True).stdout


def pack(folder: Path) -> None:
    """Pack objects and refs as upkeep does in the background."""
    git(folder, "pack-refs", "--all")
    git(folder, "repack", "-a", "-d", "-f", "-q")


def cache() -> Path:
    """Return the folder of generated repositories, outside of the project."""
    kept = os.environ.get("BENCH_CACHE") or os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(kept) / "git-tracker-bench"


def made(size: int, seed: int = 1, *, texts: bool = True, kept: Path | None = None) -> Path:
    """Return the folder of a generated repository `repo` and its `world`, making both if they are not there."""
    folder = (kept or cache()) / f"v{VERSION}-{size}-{seed}{'' if texts else '-bare'}"
    if not (folder / "done").exists():
        shutil.rmtree(folder, ignore_errors=True)
        command = [sys.executable, __file__, str(size), str(folder), str(seed), "texts" if texts else "bare"]
        subprocess.run(command, check=True, env=world(folder / "world"))
    return folder


def opened(folder: Path) -> None:
    """Bring the index of a generated repository to the version of today's program, once for all runs."""
    code = "import sys; from git_tracker.store import IssueStore; IssueStore.open(sys.argv[1]).close()"
    subprocess.run([sys.executable, "-c", code, str(folder / "repo")], check=True, env=world(folder / "world"))


def facts(folder: Path) -> dict[str, int]:
    """Return what was generated: issues, entries, events and packed bytes."""
    found: dict[str, int] = json.loads((folder / "done").read_text(encoding="ascii"))
    return found


def main(size: int, folder: Path, seed: int, texts: bool) -> None:
    repo = folder / "repo"
    subprocess.run(["git", "init", "--quiet", str(repo)], check=True)
    making = Making(repo, seed, texts=texts)
    making.fill(size)
    pack(repo)
    for name in (repo / ".git/git-tracker").glob("journal.sqlite*"):
        name.unlink()  # all of it is in packs now: upkeep would have trimmed it
    packs = sum(path.stat().st_size for path in (repo / ".git/objects/pack").glob("*.pack"))
    found = {"issues": size, "entries": making.health["entries"], "events": making.health["events"], "packed": packs}
    (folder / "done").write_text(json.dumps(found), encoding="ascii")


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), int((sys.argv[3:] or ["1"])[0]), sys.argv[4:] != ["bare"])
