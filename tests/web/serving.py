"""A tracker that is really served: a repository of its own, a `tracker serve` process, and clients that speak to it."""

import contextlib
import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Self

import pytest

from git_tracker.store import IssueStore, Signer

PATIENCE = 20.0  # seconds after which a condition that does not come true has failed


class World:
    """A home and a repository with a tracker, owned by Ada. `env` is what a process in this world sees."""

    def __init__(self, folder: Path, *, tracked: bool = True) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.home, self.repo = folder / "home", folder / "repo"
        self.home.mkdir()
        (self.home / "gitconfig").write_text(
            "[user]\n\tname = Ada Lovelace\n\temail = ada@example.org\n[init]\n\tdefaultBranch = main\n"
        )
        self.settings = {
            "HOME": str(self.home),
            "XDG_CONFIG_HOME": str(self.home / "config"),
            "XDG_CACHE_HOME": str(self.home / "cache"),
            "GIT_CONFIG_GLOBAL": str(self.home / "gitconfig"),
            "GIT_CONFIG_NOSYSTEM": "1",
            "PYTHONUNBUFFERED": "1",
        }
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "TRACKER_", "XDG_"))}
        self.env = kept | self.settings
        self.git("init", "--quiet", self.repo)
        with self.entered():
            self.store = IssueStore.open(str(self.repo))
            if tracked:
                self.ada, _ = self.store.init()

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """Make this process see the world, for as long as keys are looked for."""
        with pytest.MonkeyPatch.context() as patch:
            for name in os.environ:
                if name.startswith(("GIT_", "TRACKER_", "XDG_")):
                    patch.delenv(name)
            for name, value in self.settings.items():
                patch.setenv(name, value)
            yield

    def git(self, *args: str | Path, check: bool = True) -> str:
        done = subprocess.run(["git", *args], env=self.env, check=check, capture_output=True, text=True, timeout=60)
        return done.stdout

    @property
    def place(self) -> Path:
        """The folder the program is told to work in."""
        return self.repo

    @property
    def secrets(self) -> Path:
        """Where `tracker serve` keeps its tokens."""
        return Path(self.git("-C", self.repo, "rev-parse", "--absolute-git-dir").strip()) / "git-tracker"

    def agent(self, label: str = "fixer", client: str = "claude-code/2.1") -> Signer:
        return self.store.delegate(self.ada, client=client, label=label)

    def tracker(self, *args: str, **options: Any) -> subprocess.Popen[str]:
        """Start the program itself."""
        return subprocess.Popen(
            [sys.executable, "-m", "git_tracker", "-C", str(self.place), *args],
            env=self.env | options.pop("env", {}), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options,
        )  # fmt: skip

    def serve(self, *args: str, port: int = 0, limits: str = "") -> "Served":
        """Start `tracker serve`; with `limits` (`queue=5, …`) the same with less patience."""
        if not limits:
            return Served(self, self.tracker("serve", "--port", str(port), *args))
        program = "from git_tracker.server.run import serve; from git_tracker.web import Limits; import sys;"
        return Served(self, self.python(f"{program} serve(sys.argv[1], port={port}, limits=Limits({limits}))"))

    def python(self, program: str) -> subprocess.Popen[str]:
        """Start a program of our own that is told the repository."""
        return subprocess.Popen(
            [sys.executable, "-c", program, str(self.repo)],
            env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def close(self) -> None:
        self.store.close()


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of a problem; an error that is none fails here."""
        assert self.headers["content-type"] == "application/problem+json", self
        problem = self.json
        assert set(problem) >= {"type", "title", "status", "detail", "code", "hint"}, problem
        assert problem["status"] == self.status
        return str(problem["code"])


class Client:
    """Speaks HTTP/1.1 to a server on this machine, with exactly the headers it is given."""

    def __init__(self, port: int, token: str) -> None:
        self.port, self.token = port, token
        self.host = f"127.0.0.1:{port}"
        self.origin = f"http://{self.host}"

    def request(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] = {}, token: str | None = None
    ) -> Answer:
        """Send one request. A token is sent unless it is empty; a body that is not bytes is sent as JSON."""
        token = self.token if token is None else token
        own = {"Authorization": f"Bearer {token}"} if token else {}
        if body is not None:
            own["Content-Type"] = "application/json"
        raw = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method, path, raw, own | dict(headers))
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, found, response.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Any:
        """Return the JSON of something that must be there."""
        answer = self.request("GET", path, headers=headers)
        assert answer.status == 200, answer
        return answer.json

    def raw(self, data: bytes, *, until: Callable[[bytes], bool] = lambda got: False) -> bytes:
        """Send bytes as they are; return all that comes back until the server closes, or until enough is there."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as connection:
            connection.sendall(data)
            got = b""
            while not until(got):
                try:
                    part = connection.recv(65536)
                except ConnectionResetError:
                    break
                if not part:
                    break
                got += part
            return got


class Served(Client):
    """A running `tracker serve`: its port and tokens as it printed them, and what it said since."""

    def __init__(self, world: World, process: subprocess.Popen[str]) -> None:
        self.world, self.process = world, process
        self.printed = self.errors = ""
        self._drains = [threading.Thread(target=drain, daemon=True) for drain in (self._print, self._complain)]
        for thread in self._drains:
            thread.start()
        until(lambda: "or over stdio:" in self.printed or process.poll() is not None)
        assert process.poll() is None, f"tracker serve did not start: {self.errors}"
        self.url = next(line.split()[1] for line in self.printed.splitlines() if line.startswith("  page"))
        base, _, token = self.url.partition("/#token=")
        super().__init__(int(base.rpartition(":")[2]), token)
        until(self.answers)
        self.observer = (world.secrets / "observer-token").read_text().strip()

    def answers(self) -> bool:
        try:
            return self.request("GET", "/api/health").status == 200
        except OSError:
            return False

    def _print(self) -> None:
        for line in self.process.stdout or ():
            self.printed += line

    def _complain(self) -> None:
        for line in self.process.stderr or ():
            self.errors += line

    def stop(self) -> float:
        """Ask it to end; return how many seconds it took."""
        start = time.monotonic()
        self.process.terminate()
        self.process.wait(PATIENCE)
        taken = time.monotonic() - start
        for thread in self._drains:
            thread.join(PATIENCE)
        for stream in (self.process.stdout, self.process.stderr):
            if stream:
                stream.close()
        return taken

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.stop()


def until(condition: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """Return the first true answer; fail if none comes in time."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "the condition did not come true in time"
        threading.Event().wait(0.01)
    return found
