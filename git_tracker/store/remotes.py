"""Talking to remotes: which there are, what they hold, fetching and pushing refs of devices (docs/FORMAT.md, section 7).

Names of configured remotes only. What git says comes from the other side in part and is stripped before anybody
prints it.
"""

import os
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from glob import escape, glob
from typing import NamedTuple

from git_tracker.errors import Invalid, NotFound, TrackerError, Unusable
from git_tracker.store import refs, usergit
from git_tracker.store.objects import GitRepository
from git_tracker.store.staging import Staging
from git_tracker.store.usergit import Done

MAX_DEVICES = 1_000
MAX_BYTES = 1 << 30  # of one file that a fetch may write
SECONDS = 600.0

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_LISTED = re.compile(rf"^([0-9a-f]{{40}})\t{refs.DEVICES}([0-9a-f]{{16}})$", re.MULTILINE)
_PUSHED = re.compile(rf"^(.)\t[^\t]*:{refs.DEVICES}([0-9a-f]{{16}})\t(.*)$", re.MULTILINE)
_BEHIND = re.compile(r"fast-forward|fetch first|stale info|cannot lock ref|incorrect old value|failed to update ref")

# What git and ssh say, and what it means to the user: code, meaning, remedy. The first that matches holds.
_MEANINGS = (
    (r"no space left|disk quota", "disk_full", "a disk is full", "free some space and sync again; nothing is lost"),
    (r"file size limit|file too large|signal 25|file-write-limit", "too_large", "it sends more than is allowed at once",
     "look at what it holds before you take it in by other means"),
    (r"could not read (username|password)|terminal prompts disabled|authentication failed|permission denied"
     r"|host key verification failed|returned error: 40[13]",
     "no_access", "it does not let you in", "check your credentials: `git fetch {0}` must work first"),
    (r"hook declined|deny updating|prohibited|protected|funny refname",
     "refs_refused", "it refuses refs of this kind",
     "allow refs/git-tracker/devices/* there, or sync with another remote"),
    (r"does not appear to be a git repository|repository .* not found|no such (file|path)|returned error: 404",
     "no_remote_repository", "there is no repository", "check its URL with `git remote -v`"),
    (r"\.lock': file exists", "busy", "another git process is at it here", "sync again when it has ended"),
    (r"transport '.*' not allowed", "refused_protocol", "its protocol is not allowed", "use https, ssh or a path"),
    (r"shallow", "shallow", "one of the two repositories is shallow", "run `git fetch --unshallow` there"),
    (r"resolve host|connect|timed out|unreachable|unable to access|network|hung up|early eof|disconnect",
     "offline", "it cannot be reached", "what you did is kept; sync again later"),
)  # fmt: skip
_ABOUT_CONTENT = re.compile(
    r"fsck|non-fast-forward|index-pack|unpack|bad object|missing|did not send all|signal 25|not our ref"
    r"|object corrupt|non-commit object",
    re.IGNORECASE,
)


class Pushed(NamedTuple):
    """What became of one device's ref: `state` is `new`, `moved`, `same`, `behind` or `refused`."""

    device: str
    state: str
    reason: str


class Remotes:
    """The remotes of one repository."""

    def __init__(
        self, objects: GitRepository, home: str, *, seconds: float = SECONDS, most_bytes: int = MAX_BYTES
    ) -> None:
        self._objects, self._seconds, self._most_bytes = objects, seconds, most_bytes
        self._staging = Staging(objects.place, home)

    @property
    def _common(self) -> str:
        return self._objects.place.common

    def chosen(self, name: str = "") -> str:
        """Return the remote of that name, or the one to use where none is named: `origin`, or the only one.

        Raises `Invalid` for what is no name of a remote, `NotFound` for one that is not configured.
        """
        if name and not _NAME.fullmatch(name):
            raise Invalid(f"{name!r} is no name of a remote", "name a configured one; `git remote -v` lists them")
        known = self._objects.remotes()
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
        self._staging.prepare()
        found = self._git("ls-remote", "--refs", "--upload-pack=git-upload-pack", "--", remote, f"{refs.DEVICES}*")
        listed = {device: id for id, device in _LISTED.findall(found.out)}
        if found.cut or len(listed) > MAX_DEVICES:
            raise Unusable(
                f"{remote} holds {len(listed)} devices{' or more' * found.cut}; over {MAX_DEVICES} are not taken in",
                "somebody should tidy it up", code="too_many_devices",
            )  # fmt: skip
        self._require(found, remote)
        return listed

    def fetch(self, remote: str, devices: Iterable[str]) -> dict[str, str]:
        """Fetch the checkpoints of devices; return why some could not be had.

        If the objects of some fail git's checks, halves are fetched until it is clear whose.
        """
        asked = sorted(devices)
        self._staging.prepare()
        tips = [f"--negotiation-tip={refs.of_device(remote, '*')}", f"--negotiation-tip={refs.DEVICES}*"]
        specs = [f"{refs.DEVICES}{device}:{refs.of_device(remote, device)}" for device in asked]
        found = self._git(
            "fetch", "--no-progress", "--no-tags", "--no-recurse-submodules", "--no-auto-maintenance", "--no-write-fetch-head",
            "--no-filter", "--upload-pack=git-upload-pack", "--refmap=", *tips, "--", remote, *specs, limited=True,
        )  # fmt: skip
        self._take_over()
        if found.status == 0:
            return {}
        self._clear_rest()
        failure = _failure(remote, found.said)
        if failure.code in ("disk_full", "busy"):
            raise failure
        if not _ABOUT_CONTENT.search(found.said):
            self.devices(remote)  # if it still answers, something that it holds made it fail
        if len(asked) == 1:
            return {asked[0]: str(failure) if failure.code == "too_large" else _last(found.said)}
        half = len(asked) // 2
        return self.fetch(remote, asked[:half]) | self.fetch(remote, asked[half:])

    def copy(self, remote: str, folder: str) -> None:
        """Fetch all of the tracker that a remote holds into an empty bare repository, which need not know the remote.

        What is here takes no part in that: git would not fetch again what it believes to have.
        """
        found = usergit.run(
            folder, "-c", f"include.path={os.path.join(self._common, 'config')}", "fetch", "--no-progress", "--no-tags",
            "--no-recurse-submodules", "--no-auto-maintenance", "--no-write-fetch-head", "--no-filter",
            "--upload-pack=git-upload-pack", "--refmap=", "--", remote, f"+{refs.PREFIX}*:{refs.PREFIX}*",
            seconds=self._seconds, most_bytes=self._most_bytes, cwd=self._objects.place.root or self._common,
            environment={},
        )  # fmt: skip
        self._require(found, remote)

    def push(self, remote: str, refspecs: Mapping[str, str]) -> list[Pushed]:
        """Push refs (local name -> device); nothing that is there is ever moved sideways.

        A device that is `behind` was moved there meanwhile. Raises what keeps the remote from answering at all.
        """
        self._staging.prepare()
        specs = [f"{ref}:{refs.DEVICES}{device}" for ref, device in sorted(refspecs.items())]
        found = self._git(
            "push", "--porcelain", "--no-verify", "--recurse-submodules=no", "--receive-pack=git-receive-pack", "--",
            remote, *specs,
        )  # fmt: skip
        states = {"*": "new", " ": "moved", "=": "same"}
        told = [
            Pushed(device, states.get(flag) or ("behind" if _BEHIND.search(reason) else "refused"), _plain(reason))
            for flag, device, reason in _PUSHED.findall(found.out)
        ]
        if found.status and not any(one.state in ("behind", "refused") for one in told):
            self._require(found, remote)
        return told

    def refusal(self, remote: str, one: Pushed) -> TrackerError:
        """Return what it means that a remote refused a device's ref."""
        return _failure(remote, f"{one.reason}")

    def _require(self, found: Done, remote: str) -> None:
        if found.status:
            raise _failure(remote, found.said)

    def _take_over(self) -> None:
        """Move our refs of devices to where the fetch moved those of the staging repository."""
        found = {ref: id for ref, id in self._staging.devices().items() if ref.startswith(refs.REMOTES)}
        here = {ref: self._objects.target(ref) for ref in found}
        self._objects.move_all({ref: (here[ref], id) for ref, id in found.items() if here[ref] != id})

    def _clear_rest(self) -> None:
        """Remove what git left of a pack that outgrew the limit."""
        for path in glob(os.path.join(escape(self._common), "objects/pack/tmp_pack_*")):
            with suppress(OSError):
                if os.stat(path).st_size == self._most_bytes // 512 * 512:
                    os.unlink(path)

    def _git(self, *arguments: str, limited: bool = False) -> Done:
        return usergit.run(
            self._staging.path, *arguments, seconds=self._seconds, cwd=self._objects.place.root or self._common,
            environment=self._staging.environment, most_bytes=self._most_bytes if limited else 0,
        )  # fmt: skip


def _failure(remote: str, said: str) -> TrackerError:
    for pattern, code, meaning, remedy in _MEANINGS:
        if re.search(pattern, said, re.IGNORECASE):
            return Unusable(f"{remote}: {meaning} ({_last(said)})", remedy.format(remote), code=code)
    return Unusable(f"{remote}: git could not do it ({_last(said)})", f"try `git fetch {remote}`", code="sync_failed")


def _last(said: str) -> str:
    lines = [_plain(line) for line in said.splitlines()]
    telling = [line for line in lines if line.startswith(("fatal:", "error:", "remote:", "ssh:", "! ["))]
    return (telling or [line for line in lines if line] or ["it said nothing"])[0][:300]


def _plain(text: str) -> str:
    """Take out what a terminal could act on: the other side may have written it."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())
