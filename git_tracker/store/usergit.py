"""The user's own git as a process: their ssh, credentials and proxies, and nothing that a repository configured.

Fixed arguments, no hooks, no prompts, no shell that sees foreign text, no more output than can be meant.
"""

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping
from typing import NamedTuple

from git_tracker.errors import Unusable

MAX_OUTPUT = 1 << 20  # of bytes that git may print
_PATIENCE = 0.1  # seconds

# git rev-parse --local-env-vars: what a hook of another repository would leave behind.
_LOCAL = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_CONFIG", "GIT_CONFIG_PARAMETERS", "GIT_CONFIG_COUNT", "GIT_OBJECT_DIRECTORY",
    "GIT_DIR", "GIT_WORK_TREE", "GIT_IMPLICIT_WORK_TREE", "GIT_GRAFT_FILE", "GIT_INDEX_FILE", "GIT_NO_REPLACE_OBJECTS",
    "GIT_REPLACE_REF_BASE", "GIT_PREFIX", "GIT_SHALLOW_FILE", "GIT_COMMON_DIR", "GIT_INTERNAL_SUPER_PREFIX",
)  # fmt: skip
_SAFE = (
    "core.hooksPath=/dev/null", "core.fsmonitor=false", "core.alternateRefsCommand=true", "fetch.fsckObjects=true",
    "fetch.prune=false", "gc.auto=0", "maintenance.auto=false", "push.followTags=false", "push.gpgSign=false",
    "submodule.recurse=false", "protocol.ext.allow=never",
)  # fmt: skip


class Done(NamedTuple):
    """How a command ended; a status below zero is the signal that killed it. `cut`: it printed more than is read."""

    status: int
    out: str
    said: str
    cut: bool


def run(
    git_dir: str, *arguments: str, seconds: float, cwd: str, environment: Mapping[str, str], most_bytes: int = 0
) -> Done:
    """Run git on a repository; `most_bytes` is how large a file may become that it writes.

    Remotes that are relative paths count from `cwd`. `environment` is added to what git finds around itself.

    Raises `Unusable` where there is no git, or where it does not end in time.
    """
    argv = ["git", f"--git-dir={git_dir}", *(part for setting in _SAFE for part in ("-c", setting)), *arguments]
    if most_bytes:  # units of 512 bytes (POSIX, ulimit)
        argv = ["/bin/sh", "-c", 'ulimit -f "$1"; shift; exec "$@"', "sh", str(most_bytes // 512), *argv]
    try:
        process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**clean_environment(), **environment}, cwd=cwd, start_new_session=True,
        )  # fmt: skip
    except FileNotFoundError:
        raise Unusable("git is not installed", "syncing needs it on the PATH") from None
    with process:
        try:
            out, said, cut = _read(process, time.monotonic() + seconds)
            if cut:
                os.killpg(process.pid, signal.SIGKILL)
            return Done(process.wait(), out, said, cut)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise


def clean_environment() -> dict[str, str]:
    """Return the environment for a git of ours: it asks nobody, and hears of no other repository."""
    environ = {name: value for name, value in os.environ.items() if name not in _LOCAL}
    return environ | {"GIT_ALLOW_PROTOCOL": "https:ssh:file:git:http", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}


def _read(process: "subprocess.Popen[bytes]", until: float) -> tuple[str, str, bool]:
    """Read both streams to their end; of too much on stdout only the beginning, of complaints the rest is dropped."""
    assert process.stdout
    assert process.stderr
    out, said = process.stdout.fileno(), process.stderr.fileno()
    got = {out: b"", said: b""}
    cut = False
    with selectors.DefaultSelector() as waiting:
        for stream in got:
            waiting.register(stream, selectors.EVENT_READ)
        while waiting.get_map() and not cut:
            ready = waiting.select(_PATIENCE)
            if not ready and process.poll() is not None:
                break  # what ssh left running in the background may hold the streams open for long
            if not ready and time.monotonic() > until:
                raise Unusable("git did not end in time", "nothing is lost; sync again", code="offline")
            for key, _ in ready:
                part = os.read(key.fd, 65536)
                if not part:
                    waiting.unregister(key.fd)
                elif len(got[key.fd]) < MAX_OUTPUT:
                    got[key.fd] += part
                else:
                    cut = cut or key.fd == out
    return got[out].decode("utf-8", "replace"), got[said].decode("utf-8", "replace"), cut
