"""Talking to remotes with the user's own git: their ssh, credentials and proxies, and nothing they did not configure.

Fixed arguments, names of configured remotes only, no hooks, no prompts, no shell that sees foreign text. What git says
on stderr comes from the other side in part and is stripped before anybody prints it (docs/FORMAT.md, section 9).
"""

import os
import re
import signal
import subprocess
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from git_tracker.errors import Invalid, NotFound, TrackerError, Unusable
from git_tracker.store import refs
from git_tracker.store.place import Place

MAX_DEVICES = 1_000
MAX_BYTES = 1 << 30  # of one file that a fetch may write
SECONDS = 600.0

# git rev-parse --local-env-vars: what a hook of another repository would leave behind.
_LOCAL = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_CONFIG", "GIT_CONFIG_PARAMETERS", "GIT_CONFIG_COUNT", "GIT_OBJECT_DIRECTORY",
    "GIT_DIR", "GIT_WORK_TREE", "GIT_IMPLICIT_WORK_TREE", "GIT_GRAFT_FILE", "GIT_INDEX_FILE", "GIT_NO_REPLACE_OBJECTS",
    "GIT_REPLACE_REF_BASE", "GIT_PREFIX", "GIT_SHALLOW_FILE", "GIT_COMMON_DIR", "GIT_INTERNAL_SUPER_PREFIX",
)  # fmt: skip
_SAFE = (
    "core.hooksPath=/dev/null", "core.fsmonitor=false", "fetch.fsckObjects=true", "fetch.prune=false",
    "gc.auto=0", "maintenance.auto=false", "push.followTags=false", "push.gpgSign=false", "submodule.recurse=false",
    "protocol.ext.allow=never",
)  # fmt: skip
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_LISTED = re.compile(rf"([0-9a-f]{{40}})\t{refs.DEVICES}([0-9a-f]{{16}})")
_PUSHED = re.compile(rf"^(.)\t[^\t]*:{refs.DEVICES}([0-9a-f]{{16}})\t(.*)$", re.MULTILINE)

# What git and ssh say, and what it means to the user: code, meaning, remedy. The first that matches holds.
_MEANINGS = (
    (r"could not read (username|password)|terminal prompts disabled|authentication failed|permission denied"
     r"|host key verification failed|403|401",
     "no_access", "it does not let you in", "check your credentials: `git fetch {0}` must work first"),
    (r"does not appear to be a git repository|repository .* not found|no such (file|path)|not found",
     "no_remote_repository", "there is no repository", "check its URL with `git remote -v`"),
    (r"transport '.*' not allowed", "refused_protocol", "its protocol is not allowed", "use https, ssh or a path"),
    (r"file size limit|file too large|signal 25", "too_large", "it sends more than is allowed at once",
     "look at what it holds before you raise the limit"),
    (r"hook declined|deny updating|denied|prohibited|not allowed|protected",
     "refs_refused", "it refuses refs of this kind",
     "allow refs/git-tracker/devices/* there, or sync with another remote"),
    (r"shallow", "shallow", "one of the two repositories is shallow", "run `git fetch --unshallow` there"),
    (r"resolve host|connect|timed out|unreachable|unable to access|network|hung up|early eof|disconnect",
     "offline", "it cannot be reached", "what you did is kept; sync again later"),
)  # fmt: skip


class Pushed(NamedTuple):
    """What became of one device's ref: `state` is `new`, `moved`, `same` or `refused`."""

    device: str
    state: str
    reason: str


class Remotes:
    """The remotes of one repository."""

    def __init__(self, where: Place, *, seconds: float = SECONDS, most_bytes: int = MAX_BYTES) -> None:
        self._where, self._seconds, self._most_bytes = where, seconds, most_bytes

    def names(self) -> list[str]:
        """Return the configured remotes, in the order of the configuration."""
        found = self._git("config", "--null", "--name-only", "--get-regexp", r"^remote\..*\.(url|pushurl)$")
        names = (
            key.partition(".")[2].rpartition(".")[0] for key in found.stdout.decode("utf-8", "replace").split("\0")
        )
        return list(dict.fromkeys(name for name in names if name))

    def chosen(self, name: str = "") -> str:
        """Return the remote of that name, or the one to use where none is named: `origin`, or the only one.

        Raises `Invalid` for what is no name of a remote, `NotFound` for one that is not configured.
        """
        if name and not _NAME.fullmatch(name):
            raise Invalid(f"{name!r} is no name of a remote", "name a configured one; `git remote -v` lists them")
        known = self.names()
        if not known:
            raise NotFound("no remote is configured", "add one: `git remote add origin URL`", code="no_remote")
        if not name:
            name = "origin" if "origin" in known else known[0]
            if name != "origin" and len(known) > 1:
                raise Invalid("several remotes and none called origin", f"name one: {', '.join(known)}")
            if not _NAME.fullmatch(name):
                raise Invalid(f"the remote {name!r} has a name that is not used here", "rename it: `git remote rename`")
        if name not in known:
            raise NotFound(f"no remote {name!r}", f"configured are: {', '.join(known)}", code="no_remote")
        return name

    def devices(self, remote: str) -> dict[str, str]:
        """Return the device refs a remote holds, with their targets."""
        found = self._git("ls-remote", "--refs", "--", remote, f"{refs.DEVICES}*")
        self._require(found, remote)
        listed = {device: id for id, device in _LISTED.findall(found.stdout.decode("ascii", "replace"))}
        if len(listed) > MAX_DEVICES:
            raise Unusable(
                f"{remote} holds {len(listed)} devices; more than {MAX_DEVICES} are not taken in",
                "somebody should tidy it up", code="too_many_devices",
            )  # fmt: skip
        return listed

    def fetch(self, remote: str, devices: Iterable[str]) -> dict[str, str]:
        """Fetch the checkpoints of devices; return why some could not be had.

        If one device's objects fail git's checks, the others are fetched singly.
        """
        asked = sorted(devices)
        tips = [f"--negotiation-tip={refs.of_device(remote, '*')}", f"--negotiation-tip={refs.DEVICES}*"]
        specs = [f"{refs.DEVICES}{device}:{refs.of_device(remote, device)}" for device in asked]
        found = self._git(
            "fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--no-auto-maintenance", "--no-write-fetch-head",
            "--refmap=", *tips, "--", remote, *specs, limited=True,
        )  # fmt: skip
        if found.returncode == 0:
            return {}
        if len(asked) > 1 and self._is_about_content(found):
            return {device: why for one in asked for device, why in self.fetch(remote, [one]).items()}
        if self._is_about_content(found):
            return dict.fromkeys(asked, _said(found))
        self._require(found, remote)
        return {}

    def push(self, remote: str, refspecs: Mapping[str, str]) -> list[Pushed]:
        """Push refs (local name -> device); nothing that is there is ever moved sideways."""
        specs = [f"{ref}:{refs.DEVICES}{device}" for ref, device in sorted(refspecs.items())]
        found = self._git("push", "--porcelain", "--no-verify", "--recurse-submodules=no", "--", remote, *specs)
        states = {"*": "new", " ": "moved", "=": "same", "!": "refused"}
        told = [
            Pushed(device, states.get(flag, "refused"), _plain(reason))
            for flag, device, reason in _PUSHED.findall(found.stdout.decode("utf-8", "replace"))
        ]
        if found.returncode and not any(one.state == "refused" for one in told):
            self._require(found, remote)
        for one in told:
            if one.state == "refused" and "fast-forward" not in one.reason and "fetch first" not in one.reason:
                raise _failure(remote, f"{one.reason} {_said(found)}")
        return told

    def _is_about_content(self, found: "subprocess.CompletedProcess[bytes]") -> bool:
        said = found.stderr.decode("utf-8", "replace").lower()
        return any(
            word in said for word in ("fsck", "non-fast-forward", "index-pack", "unpack", "bad object", "missing")
        )

    def _require(self, found: "subprocess.CompletedProcess[bytes]", remote: str) -> None:
        if found.returncode:
            raise _failure(remote, found.stderr.decode("utf-8", "replace"))

    def _git(self, verb: str, *arguments: str, limited: bool = False) -> "subprocess.CompletedProcess[bytes]":
        argv = ["git", f"--git-dir={self._where.common}"]
        for setting in _SAFE:
            argv += ["-c", setting]
        argv += [verb, *arguments]
        if limited:  # a file that grows beyond this ends the fetch; units of 512 bytes (POSIX, ulimit)
            argv = ["/bin/sh", "-c", 'ulimit -f "$1"; shift; exec "$@"', "sh", str(self._most_bytes // 512), *argv]
        environ = clean_environment()
        try:
            process = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environ,
                start_new_session=True,
            )  # fmt: skip
        except FileNotFoundError:
            raise Unusable("git is not installed", "syncing needs it on the PATH") from None
        try:
            out, said = process.communicate(timeout=self._seconds)
        except BaseException as error:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            if isinstance(error, subprocess.TimeoutExpired):
                raise Unusable(
                    f"git {verb} did not end within {self._seconds:.0f} s",
                    "nothing is lost; sync again",
                    code="offline",
                ) from None
            raise
        return subprocess.CompletedProcess(argv, process.returncode, out, said)


def clean_environment() -> dict[str, str]:
    """Return the environment for a git of ours: it asks nobody, and hears of no other repository."""
    environ = {name: value for name, value in os.environ.items() if name not in _LOCAL}
    return environ | {"GIT_ALLOW_PROTOCOL": "https:ssh:file:git:http", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}


def _failure(remote: str, said: str) -> TrackerError:
    for pattern, code, meaning, remedy in _MEANINGS:
        if re.search(pattern, said, re.IGNORECASE):
            return Unusable(f"{remote}: {meaning} ({_last(said)})", remedy.format(remote), code=code)
    return Unusable(f"{remote}: git could not do it ({_last(said)})", f"try `git fetch {remote}`", code="sync_failed")


def _said(found: "subprocess.CompletedProcess[bytes]") -> str:
    return _last(found.stderr.decode("utf-8", "replace"))


def _last(said: str) -> str:
    lines = [_plain(line) for line in said.splitlines()]
    telling = [line for line in lines if line.startswith(("fatal:", "error:", "remote:", "ssh:"))]
    return (telling or [line for line in lines if line] or ["it said nothing"])[0][:300]


def _plain(text: str) -> str:
    """Take out what a terminal could act on: the other side may have written it."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())
