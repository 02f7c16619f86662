"""Our refs as plain files: listing them, without libgit2.

Names and targets of refs/git-tracker/… from loose files and packed-refs (gitrepository-layout(5)); moving a ref is
the business of `objects`.
"""

import os
import re
import time
from collections.abc import Iterator, Mapping
from functools import lru_cache

PREFIX = "refs/git-tracker/"
ISSUES = PREFIX + "issues/"
KEEP = PREFIX + "keep/"
REMOTES = PREFIX + "remotes/"
TRUST = PREFIX + "trust"
TRUST_HEADS = PREFIX + "trust-heads/"  # <oid>: what the ref of the trust log does not reach
DEVICES = PREFIX + "devices/"

_ID = re.compile(r"[0-9a-f]{40}")
_PACKED = re.compile(rf"^([0-9a-f]{{40}}) ({PREFIX}\S+)$", re.MULTILINE)
_FETCHED = re.compile(rf"{REMOTES}[^/]+/devices/[0-9a-f]+")

_FEW = 8  # names that are sought in the text of packed-refs one by one: each takes a tenth of reading it whole
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
    return {name: target for target, name in _packed(common)} | loose


def below(common: str, prefix: str) -> dict[str, str]:
    """Return the refs whose names begin with a prefix that ends in a slash, by the rest of the name."""
    path = os.path.join(common, "packed-refs")
    stamp = _stamp(path)
    settled = stamp is not None and stamp[0] < time.time_ns() - _SETTLED_NS
    packed = (_packed_below if settled else _packed_below.__wrapped__)(path, stamp, prefix)
    return packed | {name.removeprefix(prefix): id for name, id in _loose(common, prefix.rstrip("/"))}


@lru_cache(maxsize=16)
def _packed_below(path: str, _stamp: _Stamp | None, prefix: str) -> dict[str, str]:
    """Return the same of packed-refs, read once for as long as nobody replaces the file."""
    try:
        with open(path, "rb") as file:
            packed = file.read()
    except FileNotFoundError:
        return {}
    found: dict[str, str] = {}
    wanted = b" " + prefix.encode()
    at = packed.find(wanted)
    while at >= 0:  # a handful of lines among very many
        id, end = packed[max(at - 40, 0) : at].decode("ascii", "replace"), packed.find(b"\n", at)
        name = packed[at + len(wanted) : end if end >= 0 else None].decode("utf-8", "replace")
        if _ID.fullmatch(id) and packed[at - 41 : at - 40] in (b"", b"\n"):
            found[name] = id
        at = packed.find(wanted, at + 1)
    return found


class Listing:
    """All our refs, as last looked at. Looking again opens only the files that changed.

    `issues` are the ids of issues and what their refs point to, `others` every other ref by name. `changed` names what
    differs since `settle`; None means that nothing was settled yet.
    """

    def __init__(self, common: str) -> None:
        self._common = common
        self._packed_as: _Stamp | None = None
        self._packed = ""  # the file as it was read
        self._loose: dict[str, tuple[_Stamp, str]] = {}
        self.issues: dict[str, str] = {}
        self.others: dict[str, str] = {}
        self.changed: set[str] | None = None

    def look(self) -> None:
        """See how the refs stand now."""
        settled_ns = time.time_ns() - _SETTLED_NS
        before, self._loose = self._loose, {}
        for name, path, stamp in _files(self._common, "refs/git-tracker"):
            known = before.get(name)
            same = known is not None and known[0] == stamp and stamp[0] < settled_ns
            self._loose[name] = known if known and same else (stamp, _read(path))
        differ = {name for name, (_, id) in self._loose.items() if name not in before or before[name][1] != id}
        differ |= before.keys() - self._loose.keys()
        now = _stamp(os.path.join(self._common, "packed-refs"))
        if now != self._packed_as or (now and now[0] >= settled_ns):
            packed = self._look_at_packed()
            self._packed_as = now
        else:
            packed = {}
        packed |= self._packed_targets({name for name in differ - packed.keys() if not self._loose_target(name)})
        for name in differ | packed.keys():
            self._put(name, self._loose_target(name) or packed.get(name, ""))

    def _loose_target(self, name: str) -> str:
        return self._loose[name][1] if name in self._loose else ""

    def _look_at_packed(self) -> dict[str, str]:
        """Read packed-refs again; return what differs in it, with an empty target what is gone. Mostly few do, of very many."""
        before, self._packed = self._packed, _packed_text(self._common)
        if before == self._packed:
            return {}
        if not before:
            return {name: target for target, name in _PACKED.findall(self._packed)}
        old, new = set(before.split("\n")), set(self._packed.split("\n"))
        gone = dict.fromkeys((name for _, name in _PACKED.findall("\n".join(old - new))), "")
        return gone | {name: target for target, name in _PACKED.findall("\n".join(new - old))}

    def _packed_targets(self, names: set[str]) -> dict[str, str]:
        """Return what packed-refs says of these and perhaps of others."""
        if len(names) > _FEW:
            return {name: target for target, name in _PACKED.findall(self._packed)}
        found = {}
        for name in names:
            at = self._packed.find(f" {name}\n")
            if at >= 0 and _ID.fullmatch(id := self._packed[max(at - 40, 0) : at]):
                found[name] = id
        return found

    def settle(self) -> None:
        """Count changes from here on."""
        self.changed = set()

    def forget(self) -> None:
        """Count everything as changed again."""
        self.changed = None

    def _put(self, name: str, id: str) -> None:
        issue = name.removeprefix(ISSUES) if name.startswith(ISSUES) else ""
        if issue and not _ID.fullmatch(issue):
            return
        where, key = (self.issues, issue) if issue else (self.others, name)
        if where.get(key, "") == id:
            return
        if id:
            where[key] = id
        else:
            del where[key]
        if self.changed is not None:
            self.changed.add(name)


def issues(listing: Mapping[str, str]) -> dict[str, str]:
    """Return the issues among a listing, each with the entry its ref points at."""
    found = ((name.removeprefix(ISSUES), id) for name, id in listing.items() if name.startswith(ISSUES))
    return {name: id for name, id in found if _ID.fullmatch(name)}


def kept(listing: Mapping[str, str]) -> frozenset[str]:
    """Return the entries that a ref keeps from falling out of reach."""
    return frozenset(id for name, id in listing.items() if name.startswith(KEEP))


def target(common: str, name: str) -> str:
    """Return what one ref points at, or an empty string: a listing may miss a file that is replaced meanwhile."""
    return _read(os.path.join(common, name)) or next((id for id, found in _packed(common) if found == name), "")


def opened(common: str, name: str) -> tuple[int | None, str]:
    """Open the file of one ref: its descriptor, and what it says, or nothing: then packed-refs may know, or git."""
    try:
        descriptor = os.open(f"{common}/{name}", os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None, ""
    return descriptor, _content(descriptor)


def packed(common: str) -> dict[str, str]:
    """Return our refs that packed-refs holds, whatever loose files say."""
    return {name: target for target, name in _packed(common)}


def empty_files(common: str) -> Iterator[str]:
    """Yield the names of our refs whose file is there but holds no id, as a power cut leaves them."""
    for folder, _, names in os.walk(os.path.join(common, "refs/git-tracker")):
        for name in names:
            if not name.endswith(".lock") and not _read(os.path.join(folder, name)):
                yield os.path.relpath(os.path.join(folder, name), common)


def _packed(common: str) -> list[tuple[str, str]]:
    """Return target and name of our packed refs: one pass over the file, since there may be a great many."""
    return _PACKED.findall(_packed_text(common))


def _packed_text(common: str) -> str:
    try:
        with open(os.path.join(common, "packed-refs"), encoding="utf-8", errors="replace", newline="\n") as file:
            return file.read()
    except FileNotFoundError:
        return ""


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
