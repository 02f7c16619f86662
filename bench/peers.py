"""What a user would pick instead, each through the command its own documentation leads with.

A peer is looked for on the PATH and in `peers/` of the bench cache, where `python bench/peers.py` installs what this
machine's package managers reach. Each gets a repository of 1,000 issues, made once and kept.
"""

import functools
import json
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
from trackers import LEFT_OUT, PEERS, SIZE, Microbeads, Peer, environ, found

RUNS = 9


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
        path = found(peer.program)
        missing = [program for program in (peer.program, *peer.needs) if not found(program)]
        if not path or missing:
            yield Row(f"{peer.name}: `{missing[0]}` is not installed", "", "")
            continue
        one = peer(path, grounds.scratch / f"peer-{peer.program}")
        shutil.copytree(_made(peer, path), one.folder, symlinks=True)
        with one.served():
            for work, words in one.works().items():
                mine, other = measure.in_turn(
                    rounds, measure.spawned(ours[work], grounds.environ), _spawned(one, words)
                )
                yield Row(
                    f"{peer.name} {_version(peer, path)}: `{peer.program} {' '.join(words)}`"[:110], "1k",
                    measure.shown(other), f"`tracker {work}` {measure.shown(mine)}",
                    measure.times(measure.ratio(other, mine)),
                )  # fmt: skip
    yield Row(LEFT_OUT, "", "")


def _spawned(peer: Peer, words: Sequence[str]) -> "functools.partial[object]":
    return functools.partial(
        subprocess.run, [peer.path, *words], cwd=peer.folder, env=peer.environ, check=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def _version(peer: type[Peer], path: str) -> str:
    if peer is Microbeads:  # has no verb for it
        info = next(Path(path).parents[1].glob("lib/*/site-packages/microbeads-*.dist-info"), None)
        return info.name.removesuffix(".dist-info").partition("-")[2] if info else ""
    said = subprocess.run([path, *peer.version], env=environ(), capture_output=True, text=True, check=True).stdout
    number = re.search(r"\d+\.[\d.]+\d", said)
    return number[0] if number else ""


def _made(peer: type[Peer], path: str) -> Path:
    folder = generate.cache() / "peers" / f"{peer.program}-{SIZE}"
    if not (folder / ".filled").exists():
        measure.note(f"{SIZE:,} issues for {peer.name} …")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        peer(path, folder).fill()
        (folder / ".filled").touch()
    return folder


def _newer() -> str | None:
    """Return a Python of 3.12 or later. The PATH comes last: pyenv's shims on it may lead nowhere."""
    own = [sys.executable] if sys.version_info >= (3, 12) else []
    pyenv = map(str, Path.home().glob(".pyenv/versions/3.1[2-9]*/bin/python"))
    named = (shutil.which(f"python3.{minor}") for minor in range(12, 20))
    return next(filter(None, (*own, *pyenv, *named)), None)


def _pip(folder: Path, python: str | None) -> str:
    """Return the pip of an environment, made if it is not there and there is a Python for it."""
    if python and not folder.exists():
        subprocess.run([python, "-m", "venv", folder], check=True)
    return str(folder / "bin/pip")


def main() -> None:
    """Install the peers that this machine reaches, into the bench cache where their package manager lets us."""
    kept = generate.cache() / "peers"
    kept.mkdir(parents=True, exist_ok=True)
    places = {
        "{venv}": _pip(kept / "venv", sys.executable), "{venv-3.12}": _pip(kept / "venv-3.12", _newer()),
    }  # fmt: skip
    for peer in PEERS:
        for words in peer.install:
            command = [word.replace("{npm}", str(kept / "npm")) for word in words]
            if command[0] in places:
                command = [places[command[0]], "install", "--quiet", *command[1:]]
            here = (
                shutil.which(command[0])
                and not subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode
            )
            print(f"{peer.name}: {'here' if here else 'not here'}")


if __name__ == "__main__":
    main()
