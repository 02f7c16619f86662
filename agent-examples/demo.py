"""`make demo`: a scratch repository, the live page, and three agents at work in it. Nothing of yours is touched.

Two agents speak MCP over stdio (worker.py), one over HTTP (http_worker.py); a fourth made their plan (planner.py). They
go on until nothing is left to do; the page stays until Ctrl-C. `--fast --once` runs through without waiting, for tests.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
SAMPLE = HERE / "sample.jsonl"
TRACKER = (sys.executable, "-m", "git_tracker")


def world(folder: Path) -> dict[str, str]:
    """An environment of its own for everything the demo starts: another git identity, another place for keys."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "TRACKER_", "XDG_"))}
    (folder / ".gitconfig").write_text("[user]\n\tname = Ada Lovelace\n\temail = ada@example.org\n", encoding="utf-8")
    return kept | {
        "HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder / "config"),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "GIT_CONFIG_GLOBAL": str(folder / ".gitconfig"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "PYTHONPATH": os.pathsep.join(filter(None, (str(HERE.parent), os.environ.get("PYTHONPATH")))),
    }


def prepare(repo: Path, env: dict[str, str]) -> None:
    """Make the repository, its tracker, and something to do."""
    subprocess.run(["git", "init", "--quiet", repo], env=env, check=True)
    subprocess.run([*TRACKER, "-C", repo, "init"], env=env, check=True)
    if SAMPLE.exists():
        subprocess.run(
            [*TRACKER, "-C", repo, "import", "beads", SAMPLE], env=env, check=True, stdout=subprocess.DEVNULL
        )
    subprocess.run([sys.executable, HERE / "planner.py", "--repo", repo], env=env, check=True)


@contextlib.contextmanager
def serving(repo: Path, port: int, env: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Run `tracker serve`; yields the page's URL without its secret, and the secret."""
    command = [*TRACKER, "-C", repo, "serve", "--port", str(port)]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True, start_new_session=True) as server:
        try:
            assert server.stdout is not None
            for line in server.stdout:
                if line.startswith("  page "):
                    url, _, token = line.split()[1].partition("/#token=")
                    yield url, token
                    return
            sys.exit("the server did not start")
        finally:
            server.terminate()


def agents(repo: Path, url: str, token: str, pace: float, env: dict[str, str]) -> list["subprocess.Popen[bytes]"]:
    """Start three agents, each a process of its own with work of its own. Ctrl-C is for us, not for them."""
    stdio = (HERE / "worker.py", "--repo", repo)
    http = (HERE / "http_worker.py", "--url", f"{url}/mcp")
    roles = (
        (stdio, "fixer", "type:bug"),
        (stdio, "builder", "type:feature"),
        (http, "writer", "-type:bug -type:feature -type:epic"),
    )
    return [
        subprocess.Popen(
            [sys.executable, *program, "--name", name, "--query", query, "--pace", str(pace)],
            env=env | {"TRACKER_TOKEN": token},
            start_new_session=True,
        )
        for program, name, query in roles
    ]


def close_epics(repo: Path, env: dict[str, str]) -> None:
    """What the person does in the end: look at the work and close the goal behind it."""
    tracker = [*TRACKER, "-C", repo]
    found = subprocess.run(
        [*tracker, "list", "type:epic", "is:open", "--json"], env=env, check=True, stdout=subprocess.PIPE
    )
    for epic in json.loads(found.stdout)["items"]:
        subprocess.run([*tracker, "finish", epic["id"], "-m", "All of it is done. Thank you."], env=env, check=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fast", action="store_true", help="do not wait between steps")
    parser.add_argument("--once", action="store_true", help="end when the work is done")
    parser.add_argument("--port", type=int, default=8787, help="the next free one from here; 0 for any")
    parser.add_argument("--keep", metavar="FOLDER", type=Path, help="make it there and leave it there")
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.suppress(KeyboardInterrupt))
        folder = options.keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="git-tracker-demo-")))
        folder.mkdir(parents=True, exist_ok=True)
        env, repo = world(folder), folder / "demo"
        prepare(repo, env)
        url, token = stack.enter_context(serving(repo, options.port, env))
        print(f"\nOpen {url}/#token={token}\n\nCtrl-C ends the demo.\n", flush=True)
        running = agents(repo, url, token, 0.05 if options.fast else 3.0, env)
        for agent in running:
            stack.callback(agent.wait, 10)
            stack.callback(agent.terminate)
        codes = [agent.wait() for agent in running]
        if any(codes):
            return 1
        close_epics(repo, env)
        subprocess.run([*TRACKER, "-C", repo, "verify"], env=env, check=True)
        if not options.once:
            print("Nothing is left to do. The page stays until Ctrl-C.", flush=True)
            threading.Event().wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
