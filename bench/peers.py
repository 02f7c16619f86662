"""What a user would pick instead, each through the command its own documentation leads with.

A peer is looked for on the PATH and in `peers/` of the bench cache, where `python bench/peers.py` installs what this
machine's package managers reach. Each gets a repository of 1,000 issues, made once and kept.
"""

import functools
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import generate
import measure
from grounds import Grounds
from measure import Row

SIZE = 1_000
RUNS = 9


class Peer:
    """One peer: `program` is looked for, `works` are its commands. `fill` makes SIZE issues the fastest documented way."""

    name = program = ""
    version: Sequence[str] = ("--version",)
    install: Sequence[Sequence[str]] = ()

    def __init__(self, path: str, folder: Path) -> None:
        self.path, self.folder = path, folder

    def run(self, *words: str) -> str:
        return subprocess.run(
            [self.path, *words], cwd=self.folder, env=environ(), check=True, capture_output=True, text=True
        ).stdout

    def fill(self) -> None:
        raise NotImplementedError

    def works(self) -> dict[str, list[str]]:
        """Return the commands that create, list and show; the last shows one issue."""
        raise NotImplementedError


class Fossil(Peer):
    name, program, version = "Fossil", "fossil", ("version",)
    install = (("apt-get", "install", "-y", "-qq", "fossil"),)

    def fill(self) -> None:
        self.run("init", "-A", "ada", "tickets.fossil")
        self.run("open", "tickets.fossil", "--user", "ada", "--force")
        for number in range(SIZE):
            self.run("ticket", "add", "title", f"Issue number {number}", "status", "Open", "type", "Code_Defect")

    def works(self) -> dict[str, list[str]]:
        # `ticket show 1` is its report of all tickets; one ticket is read by its history.
        ids = re.findall(r"\b[0-9a-f]{10}\b", self.run("ticket", "show", "1"))
        add = ["ticket", "add", "title", "Measure how long this takes", "status", "Open"]
        return {"new": add, "list": ["ticket", "show", "1"], "show": ["ticket", "history", ids[0]]}


class Microbeads(Peer):
    name, program, version = "microbeads", "mb", ("--help",)
    install = (("{venv}", "microbeads"),)

    def fill(self) -> None:
        _git(self.folder)
        self.run("init")
        for number in range(SIZE):
            self.run("create", f"Issue number {number}")

    def works(self) -> dict[str, list[str]]:
        id = json.loads(self.run("--json", "list"))[0]["id"]
        return {"new": ["create", "Measure how long this takes"], "list": ["list"], "show": ["show", id]}


class Filigree(Peer):
    name, program = "filigree", "filigree"
    install = (("{venv}", "filigree"),)

    def fill(self) -> None:
        _git(self.folder)
        self.run("init")
        self.run("create", "Issue number 0")
        self.run("export", "one.jsonl")
        one, event = (json.loads(line) for line in (self.folder / "one.jsonl").read_text().splitlines()[:2])
        prefix = one["id"].rpartition("-")[0]
        lines = []
        for number in range(1, SIZE):
            id = f"{prefix}-{number:010x}"
            lines.append(one | {"id": id, "title": f"Issue number {number}"})
            lines.append(event | {"id": number + 1, "issue_id": id})
        (self.folder / "rest.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        self.run("import", "--merge", "rest.jsonl")

    def works(self) -> dict[str, list[str]]:
        ids = re.findall(r"\S+-[0-9a-f]{10}\b", self.run("list"))
        return {"new": ["create", "Measure how long this takes"], "list": ["list"], "show": ["show", ids[0]]}


class Backlog(Peer):
    name, program = "Backlog.md", "backlog"
    install = (("npm", "install", "--silent", "--prefix", "{npm}", "backlog.md"),)

    def fill(self) -> None:
        _git(self.folder)
        self.run("init", "bench", "--defaults")
        self.run("task", "create", "Issue number 1")
        first = next((self.folder / "backlog/tasks").iterdir())
        text = first.read_text()
        for number in range(2, SIZE + 1):  # its files are its documented format, and one command takes a second
            other = first.with_name(f"task-{number} - Issue-number-{number}.md")
            other.write_text(text.replace("TASK-1", f"TASK-{number}").replace("number 1", f"number {number}"))

    def works(self) -> dict[str, list[str]]:
        return {
            "new": ["task", "create", "Measure how long this takes"], "list": ["task", "list", "--plain"],
            "show": ["task", "7", "--plain"],
        }  # fmt: skip


PEERS = (Fossil, Backlog, Microbeads, Filigree)
# Beads and git-bug (Go) and kanbaroo (Python 3.12) are measured where they are on the PATH of whoever repeats this:
# a class as above is all it takes.
LEFT_OUT = "git-bug, Beads and kanbaroo could not be installed where this was measured"


def rows(grounds: Grounds) -> Iterator[Row]:
    rounds = grounds.rounds(RUNS)
    repo = grounds.repo(grounds.sizes[0])
    own = [*grounds.tracker, "-C", repo]
    id = subprocess.run(
        [*own, "--json", "list"], env=grounds.environ, check=True, capture_output=True, text=True
    ).stdout
    ours = {
        "new": [*own, "new", "Measure how long this takes"], "list": [*own, "list"],
        "show": [*own, "show", json.loads(id)["items"][0]["id"]],
    }  # fmt: skip
    for peer in PEERS:
        path = _found(peer.program)
        if not path:
            yield Row(f"{peer.name}: `{peer.program}` is not installed", "", "")
            continue
        one = peer(path, _made(peer, path))
        place = grounds.scratch / f"peer-{peer.program}"
        shutil.copytree(one.folder, place, symlinks=True)
        works = one.works()
        for work, words in works.items():
            theirs = _in(place, path, words)
            mine, other = measure.in_turn(rounds, measure.spawned(ours[work], grounds.environ), theirs)
            yield Row(
                f"{peer.name} {_version(peer, path)}: `{peer.program} {' '.join(words)}`"[:110], "1k",
                measure.shown(other), f"`tracker {work}` {measure.shown(mine)}",
                measure.times(measure.ratio(other, mine)),
            )  # fmt: skip
    yield Row(LEFT_OUT, "", "")


def _in(folder: Path, path: str, words: Sequence[str]) -> "functools.partial[object]":
    return functools.partial(
        subprocess.run, [path, *words], cwd=folder, env=environ(), check=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def _version(peer: type[Peer], path: str) -> str:
    if peer is Microbeads:  # has no verb for it
        info = next(Path(path).parents[1].glob("lib/*/site-packages/microbeads-*.dist-info"), None)
        return info.name.removesuffix(".dist-info").partition("-")[2] if info else ""
    said = subprocess.run([path, *peer.version], env=environ(), capture_output=True, text=True, check=True).stdout
    found = re.search(r"\d+\.[\d.]+\d", said)
    return found[0] if found else ""


def _made(peer: type[Peer], path: str) -> Path:
    folder = generate.cache() / "peers" / f"{peer.program}-{SIZE}"
    if not (folder / ".filled").exists():
        measure.note(f"{SIZE:,} issues for {peer.name} …")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        peer(path, folder).fill()
        (folder / ".filled").touch()
    return folder


def _git(folder: Path) -> None:
    for words in (["init", "--quiet"], ["commit", "--quiet", "--allow-empty", "-m", "begin"]):
        subprocess.run(["git", *words], cwd=folder, env=environ(), check=True, capture_output=True)


@functools.cache
def environ() -> dict[str, str]:
    """What a peer sees: its own home, so that nothing of the user's is read or written."""
    home = generate.cache() / "peers/home"
    home.mkdir(parents=True, exist_ok=True)
    (home / ".gitconfig").write_text("[user]\n\tname = Ada Lovelace\n\temail = ada@example.org\n")
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "TMPDIR")}
    return kept | {"HOME": str(home), "USER": "ada", "NO_COLOR": "1", "TERM": "dumb"}


def _found(program: str) -> str | None:
    kept = generate.cache() / "peers"
    own = [str(kept / "venv/bin"), str(kept / "npm/node_modules/.bin")]
    return shutil.which(program, path=os.pathsep.join([*own, os.environ.get("PATH", "")]))


def main() -> None:
    """Install the peers that this machine reaches, into the bench cache where their package manager lets us."""
    kept = generate.cache() / "peers"
    kept.mkdir(parents=True, exist_ok=True)
    if not (kept / "venv").exists():
        subprocess.run([sys.executable, "-m", "venv", kept / "venv"], check=True)
    for peer in PEERS:
        for words in peer.install:
            command = [word.replace("{npm}", str(kept / "npm")) for word in words]
            if command[0] == "{venv}":
                command = [str(kept / "venv/bin/pip"), "install", "--quiet", *command[1:]]
            done = subprocess.run(command, stdin=subprocess.DEVNULL, check=False)
            print(f"{peer.name}: {'here' if done.returncode == 0 else 'not here'}")


if __name__ == "__main__":
    main()
