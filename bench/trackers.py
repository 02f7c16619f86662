"""The peers themselves: trackers that a user would pick instead, as their own documentation says to use them."""

import contextlib
import functools
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import time
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

import generate

SIZE = 1_000
PATIENCE = 30  # seconds for a server to answer


class Peer:
    """One peer: `program` is looked for, `works` are its commands. `fill` makes SIZE issues the fastest documented way.

    `needs` are programs that it does not work without; `served` is the place to run one while commands are measured.
    """

    name = program = ""
    needs: Sequence[str] = ()
    version: Sequence[str] = ("--version",)
    install: Sequence[Sequence[str]] = ()

    def __init__(self, path: str, folder: Path) -> None:
        self.path, self.folder, self.environ = path, folder, environ()

    def run(self, *words: str) -> str:
        return subprocess.run(
            [self.path, *words], cwd=self.folder, env=self.environ, check=True, capture_output=True, text=True
        ).stdout

    @contextlib.contextmanager
    def served(self) -> Iterator[None]:
        yield

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


class Kanbaroo(Peer):
    """Its commands ask a server of its own, which `kb server start` would run in a container."""

    name, program, needs = "kanbaroo", "kb", ("kanbaroo-api",)
    install = (("{venv-3.12}", "kanbaroo-cli", "kanbaroo-api"),)

    def __init__(self, path: str, folder: Path) -> None:
        super().__init__(path, folder)
        self.kept = folder / ".kanbaroo"
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.address = free.getsockname()
        host, port = self.address
        self.environ = self.environ | {
            "KANBAROO_CONFIG_DIR": str(self.kept), "KANBAROO_DATABASE_URL": f"sqlite:///{self.kept}/kanbaroo.db",
            "KANBAROO_API_HOST": host, "KANBAROO_API_PORT": str(port), "KANBAROO_API_URL": f"http://{host}:{port}",
        }  # fmt: skip

    @contextlib.contextmanager
    def served(self) -> Iterator[None]:
        command, silence = [found("kanbaroo-api") or ""], subprocess.DEVNULL
        with subprocess.Popen(
            command, cwd=self.folder, env=self.environ, stdin=silence, stdout=silence, stderr=silence
        ) as server:
            try:
                end = time.monotonic() + PATIENCE
                while not self._answers():
                    if server.poll() is not None or time.monotonic() > end:
                        raise RuntimeError("the server of kanbaroo does not answer")
                    time.sleep(0.05)
                yield
            finally:
                server.terminate()

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(self.address, timeout=1):
            return True
        return False

    def fill(self) -> None:
        self.run("init")
        with self.served(), contextlib.closing(http.client.HTTPConnection(*self.address)) as api:
            space = json.loads(self.run("workspace", "create", "--key", "BEN", "--name", "Bench", "--json"))["id"]
            self.run("workspace", "use", "BEN")
            token = tomllib.loads((self.kept / "config.toml").read_text())["token"]
            headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
            made, end = 0, time.monotonic() + PATIENCE * 10
            while made < SIZE:
                story = json.dumps({"title": f"Issue number {made}"})
                api.request("POST", f"/api/v1/workspaces/{space}/stories", story, headers)
                with api.getresponse() as answer:
                    text = answer.read()
                made += answer.status == http.client.CREATED  # a 500 (StaleDataError) now and then: asked again
                if time.monotonic() > end:
                    raise RuntimeError(f"kanbaroo answered {answer.status}: {text!r}")

    def works(self) -> dict[str, list[str]]:
        # It asks before it makes a second story of the same title; `--force` is its answer to that.
        add = ["story", "create", "--title", "Measure how long this takes", "--force"]
        return {"new": add, "list": ["story", "list"], "show": ["story", "show", "BEN-7"]}


PEERS = (Fossil, Backlog, Microbeads, Filigree, Kanbaroo)
# Beads and git-bug (Go) are measured where they are on the PATH of whoever repeats this: a class as above is all it takes.
LEFT_OUT = "git-bug and Beads could not be installed where this was measured"


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


def found(program: str) -> str | None:
    kept = generate.cache() / "peers"
    own = [str(kept / place) for place in ("venv/bin", "venv-3.12/bin", "npm/node_modules/.bin")]
    return shutil.which(program, path=os.pathsep.join([*own, os.environ.get("PATH", "")]))
