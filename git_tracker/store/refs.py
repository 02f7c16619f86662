"""Our refs as plain files: listing them and noticing change, without libgit2.

Names and targets of refs/git-tracker/… from loose files and packed-refs (gitrepository-layout(5)); moving a ref is
the business of `objects`.
"""

import os
import re
from collections.abc import Iterator, Mapping

PREFIX = "refs/git-tracker/"
ISSUES = PREFIX + "issues/"
KEEP = PREFIX + "keep/"
REMOTES = PREFIX + "remotes/"
TRUST = PREFIX + "trust"
TRUST_HEADS = PREFIX + "trust-heads/"  # <oid>: what the ref of the trust log does not reach
DEVICES = PREFIX + "devices/"

_ID = re.compile(r"[0-9a-f]{40}")
_FETCHED = re.compile(rf"{REMOTES}[^/]+/devices/[0-9a-f]+")

_FOLDERS = tuple(PREFIX + name for name in ("", "issues", "keep", "trust-heads", "devices"))

Signature = str


def issue(id: str) -> str:
    """Return the ref of an issue."""
    return ISSUES + id


def is_trust(name: str) -> bool:
    """Return whether a ref holds a trust log: ours, or what came from elsewhere and does not follow from it."""
    return name == TRUST or name.startswith(TRUST_HEADS)


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
    try:
        with open(os.path.join(common, "packed-refs"), "rb") as file:
            found = re.findall(rb"^([0-9a-f]{40}) %s([^\n]+)$" % re.escape(prefix.encode()), file.read(), re.MULTILINE)
    except FileNotFoundError:
        found = []
    loose = {name.removeprefix(prefix): id for name, id in _loose(common, prefix.rstrip("/"))}
    return {name.decode("utf-8", "replace"): id.decode() for id, name in found} | loose


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


def empty_files(common: str) -> Iterator[str]:
    """Yield the names of our refs whose file is there but holds no id, as a power cut leaves them."""
    for folder, _, names in os.walk(os.path.join(common, "refs/git-tracker")):
        for name in names:
            if not name.endswith(".lock") and not _read(os.path.join(folder, name)):
                yield os.path.relpath(os.path.join(folder, name), common)


def mark(common: str, now_ns: int) -> None:
    """Give our folders a time stamp of our own making, before listing them or after moving a ref ourselves.

    The kernel stamps changes with a coarse clock, so two changes may look like one. A stamp that no kernel clock
    shows cannot stay when somebody else changes the folder afterwards. Silently does nothing on read-only media.
    """
    for path in _FOLDERS:
        folder = os.path.join(common, path)
        try:
            for _ in range(3):  # somebody may change the folder between our stamp and the look at it
                os.utime(folder, ns=(now_ns, now_ns))
                if os.stat(folder).st_mtime_ns == now_ns:
                    break
        except OSError:
            continue


def signature(common: str) -> Signature:
    """Return a text that differs whenever one of our refs may have changed since `mark`."""
    parts = []
    for path in ("packed-refs", *_FOLDERS, *_device_folders(common)):
        try:
            stat = os.stat(os.path.join(common, path))
            parts.append(f"{stat.st_mtime_ns}.{stat.st_ino}.{stat.st_size if path == 'packed-refs' else 0}")
        except OSError:
            parts.append("-")
    return " ".join(parts)


def _device_folders(common: str) -> list[str]:
    try:
        remotes = sorted(os.listdir(os.path.join(common, REMOTES)))
    except OSError:
        return []
    return [REMOTES.rstrip("/"), *(f"{REMOTES}{name}/devices" for name in remotes)]


def _packed(common: str) -> Iterator[tuple[str, str]]:
    try:
        with open(os.path.join(common, "packed-refs"), encoding="utf-8", errors="replace") as file:
            for line in file:
                if PREFIX in line and not line.startswith(("#", "^")):
                    target, _, name = line.rstrip("\n").partition(" ")
                    if name.startswith(PREFIX) and _ID.fullmatch(target):
                        yield target, name
    except FileNotFoundError:
        return


def _loose(common: str, folder: str) -> Iterator[tuple[str, str]]:
    try:
        entries = list(os.scandir(os.path.join(common, folder)))
    except OSError:
        return
    for entry in entries:
        name = f"{folder}/{entry.name}"
        if entry.is_dir(follow_symlinks=False):
            yield from _loose(common, name)
        elif not name.endswith(".lock") and (target := _read(entry.path)):
            yield name, target


def _read(path: str) -> str:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return ""
    try:
        content = os.read(descriptor, 64).decode("ascii", "replace").strip()
    finally:
        os.close(descriptor)
    return content if _ID.fullmatch(content) else ""  # symbolic refs have no place here
