"""Our refs as plain files: listing them, without libgit2.

Names and targets of refs/git-tracker/… from loose files and packed-refs (gitrepository-layout(5)); moving a ref is
the business of `objects`.
"""

import os
import re
import time
from collections.abc import Iterator, Mapping
from functools import lru_cache

from git_tracker.store.packedrefs import PackedRefs

PREFIX = "refs/git-tracker/"
ISSUES = PREFIX + "issues/"
KEEP = PREFIX + "keep/"
REMOTES = PREFIX + "remotes/"
TRUST = PREFIX + "trust"
TRUST_HEADS = PREFIX + "trust-heads/"  # <oid>: what the ref of the trust log does not reach
DEVICES = PREFIX + "devices/"

_ID = re.compile(r"[0-9a-f]{40}")
_FETCHED = re.compile(rf"{REMOTES}[^/]+/devices/[0-9a-f]+")

_SETTLED_NS = 10**9  # a file younger than this may have been replaced by one with the very same stamp

_Stamp = tuple[int, int, int]  # time of change in nanoseconds, inode, size


def issue(id: str) -> str:
    """Return the ref of an issue."""
    return ISSUES + id


def is_trust(name: str) -> bool:
    """Return whether a ref holds a trust log: ours, or what came from elsewhere and does not follow from it."""
    return name == TRUST or name.startswith(TRUST_HEADS)


def beside(ref: str, id: str) -> str:
    """Return the ref that keeps in reach what the ref of an issue, or of the trust log, does not lead to."""
    return (TRUST_HEADS if ref == TRUST else KEEP) + id


def of_device(remote: str, device: str) -> str:
    """Return where the checkpoint of a device is kept that was fetched from a remote."""
    return f"{REMOTES}{remote}/devices/{device}"


def checkpoints(listing: Mapping[str, str], own: str) -> dict[str, str]:
    """Return the refs of other devices' checkpoints among a listing; `own` is this device."""
    return {
        name: id
        for name, id in listing.items()
        if (name.startswith(DEVICES) and name != DEVICES + own)
        or (name.startswith(REMOTES) and _FETCHED.fullmatch(name))
    }


def listing(common: str) -> dict[str, str]:
    """Return every ref of ours and its target; loose files win over packed-refs. Broken files are left out.

    Loose files are read first: git writes packed-refs before it removes them, so no ref is missed in between.
    """
    loose = dict(_loose(common, "refs/git-tracker"))
    return packed(common) | loose


def below(common: str, prefix: str) -> dict[str, str]:
    """Return the refs whose names begin with a prefix that ends in a slash, by the rest of the name."""
    path = os.path.join(common, "packed-refs")
    stamp = _stamp(path)
    settled = stamp is not None and stamp[0] < time.time_ns() - _SETTLED_NS
    packed = (_packed_below if settled else _packed_below.__wrapped__)(common, stamp, prefix)
    return packed | {name.removeprefix(prefix): id for name, id in _loose(common, prefix.rstrip("/"))}


@lru_cache(maxsize=16)
def _packed_below(common: str, _stamp: _Stamp | None, prefix: str) -> dict[str, str]:
    """Return the same of packed-refs, read once for as long as nobody replaces the file."""
    return {name.removeprefix(prefix): id for name, id in PackedRefs.read(common).below(prefix).items()}


class Listing:
    """All our refs, as last looked at. Looking again opens only the files that changed.

    `others` are the refs that are not of issues, by name. `changed` names what differs since `settle`; None means that
    nothing was settled yet.
    """

    def __init__(self, common: str) -> None:
        self._common = common
        self._packed_as: _Stamp | None = None
        self._packed, self._packed_others = PackedRefs(), dict[str, str]()
        self._loose: dict[str, tuple[_Stamp, str]] = {}
        self.others: dict[str, str] = {}
        self.changed: set[str] | None = None

    def look(self) -> None:
        """See how the refs stand now."""
        settled_ns = time.time_ns() - _SETTLED_NS
        before, loose = self._loose, dict[str, tuple[_Stamp, str]]()
        for name, path, stamp in _files(self._common, "refs/git-tracker"):
            known = before.get(name)
            same = known is not None and known[0] == stamp and stamp[0] < settled_ns
            loose[name] = known if known and same else (stamp, _read(path))
        now, packed, others = _stamp(os.path.join(self._common, "packed-refs")), self._packed, self._packed_others
        if now != self._packed_as or (now and now[0] >= settled_ns):
            found = PackedRefs.read(self._common)
            if found.content != packed.content:
                packed, others = found, found.below(PREFIX, but=ISSUES)
        if self.changed is not None:
            differ = {name for name, (_, id) in loose.items() if name not in before or before[name][1] != id}
            differ |= before.keys() - loose.keys()
            if packed is not self._packed:
                differ |= packed.differing(self._packed, PREFIX)
            self.changed |= {name for name in differ if _target(name, loose, packed) != self.target(name)}
        self._loose, self._packed, self._packed_as, self._packed_others = loose, packed, now, others
        elsewhere = {name: id for name, (_, id) in loose.items() if id and not name.startswith(ISSUES)}
        self.others = others | elsewhere

    def target(self, name: str) -> str:
        """Return what a ref points to, or nothing."""
        return _target(name, self._loose, self._packed)

    def issues(self) -> dict[str, str]:
        """Return the issues that are here, each with the entry its ref points at."""
        return issues(self._packed.below(ISSUES) | {name: id for name, (_, id) in self._loose.items() if id})

    def issues_changed(self) -> set[str]:
        """Return the ids of issues whose refs differ since `settle`, which was called."""
        return {*issues(dict.fromkeys(self.changed or (), ""))}

    def issues_unlike(self, expected: PackedRefs) -> set[str]:
        """Return the ids of issues among which all are whose refs are not as expected."""
        return {*issues(dict.fromkeys(self._packed.differing(expected, ISSUES) | self._loose.keys(), ""))}

    def settle(self) -> None:
        """Count changes from here on."""
        self.changed = set()

    def forget(self) -> None:
        """Count everything as changed again."""
        self.changed = None


def _target(name: str, loose: Mapping[str, tuple[_Stamp, str]], packed: PackedRefs) -> str:
    return (loose[name][1] if name in loose else "") or packed.target(name)


def issues(listing: Mapping[str, str]) -> dict[str, str]:
    """Return the issues among a listing, each with the entry its ref points at."""
    found = ((name.removeprefix(ISSUES), id) for name, id in listing.items() if name.startswith(ISSUES))
    return {name: id for name, id in found if _ID.fullmatch(name)}


def kept(listing: Mapping[str, str]) -> frozenset[str]:
    """Return the entries that a ref keeps from falling out of reach."""
    return frozenset(id for name, id in listing.items() if name.startswith(KEEP))


def target(common: str, name: str) -> str:
    """Return what one ref points at, or an empty string: a listing may miss a file that is replaced meanwhile."""
    return _read(os.path.join(common, name)) or PackedRefs.read(common).target(name)


def opened(common: str, name: str) -> tuple[int | None, str]:
    """Open the file of one ref: its descriptor, and what it says, or nothing: then packed-refs may know, or git."""
    try:
        descriptor = os.open(f"{common}/{name}", os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None, ""
    return descriptor, _content(descriptor)


def packed(common: str) -> dict[str, str]:
    """Return our refs that packed-refs holds, whatever loose files say."""
    return PackedRefs.read(common).below(PREFIX)


def empty_files(common: str) -> Iterator[str]:
    """Yield the names of our refs whose file is there but holds no id, as a power cut leaves them."""
    for folder, _, names in os.walk(os.path.join(common, "refs/git-tracker")):
        for name in names:
            if not name.endswith(".lock") and not _read(os.path.join(folder, name)):
                yield os.path.relpath(os.path.join(folder, name), common)


def _loose(common: str, folder: str) -> Iterator[tuple[str, str]]:
    for name, path, _ in _files(common, folder):
        if target := _read(path):
            yield name, target


def _files(common: str, folder: str) -> Iterator[tuple[str, str, _Stamp]]:
    """Yield name, path and stamp of every file of a ref."""
    try:
        entries = list(os.scandir(os.path.join(common, folder)))
    except OSError:
        return
    for entry in entries:
        name = f"{folder}/{entry.name}"
        if entry.is_dir(follow_symlinks=False):
            yield from _files(common, name)
        elif not name.endswith(".lock"):
            try:
                stat = entry.stat(follow_symlinks=False)
            except OSError:  # packed meanwhile
                continue
            yield name, entry.path, (stat.st_mtime_ns, stat.st_ino, stat.st_size)


def _stamp(path: str) -> _Stamp | None:
    try:
        stat = os.stat(path)
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_ino, stat.st_size


def _read(path: str) -> str:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return ""
    try:
        return _content(descriptor)
    finally:
        os.close(descriptor)


def _content(descriptor: int) -> str:
    content = os.read(descriptor, 64).decode("ascii", "replace").strip()
    return content if _ID.fullmatch(content) else ""  # symbolic refs have no place here
