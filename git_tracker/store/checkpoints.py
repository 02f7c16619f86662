"""Checkpoints: what one device knows, as one signed commit that others can fetch by one ref (docs/FORMAT.md, section 7).

The tree holds `issues/ab/<id>.<head>` and `trust/<head>` as git links; the parents are the checkpoint before and the
heads that are new since then, so that all of them travel along. Trees are compared folder by folder: what changed is
found in time that does not grow with the number of issues.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple, Protocol

from git_tracker.errors import Corrupt
from git_tracker.store import canonical, commit, identity
from git_tracker.store.identity import Proof

MAX_PARENTS = 500
MAX_TREE = 8 * 1024 * 1024  # 90,000 heads in one folder
VERSION = 1

_TREE, _LINK = "40000", "160000"
_DEVICE = re.compile(r"[0-9a-f]{16}")
_ID = re.compile(r"[0-9a-f]{40}")
_FOLDER = re.compile(r"[0-9a-f]{2}")
_ENTRY = re.compile(rb"([0-7]+) ([^\0]+)\0([\x00-\xff]{20})")
_KNOWN = {"device", "n", "root", "v"}

Heads = Mapping[str, frozenset[str]]  # by issue


class Objects(Protocol):
    """Git's objects, as far as checkpoints need them."""

    def tree(self, id: str, most_bytes: int) -> bytes:
        """Return a tree's raw bytes; raise `Corrupt` if it is missing, something else or too large."""

    def write_tree(self, raw: bytes) -> str:
        """Write a tree; return its id."""


class Checkpoint(NamedTuple):
    """A checkpoint as decoded and verified; `root` is the trust root of the device that made it."""

    id: str
    device: str
    n: int
    root: str
    tree: str
    parents: tuple[str, ...]
    seconds: int
    proof: Proof


class Told(NamedTuple):
    """What one checkpoint says that another did not."""

    issues: Heads
    trust: frozenset[str]


def payload(device: str, n: int, root: str, tree: str, parents: Iterable[str], author: str) -> bytes:
    """Return the bytes to sign for checkpoint number `n` of a device."""
    text = canonical.dumps({"device": device, "n": n, "root": root, "v": VERSION})
    return commit.payload(tree, list(parents), author, f"checkpoint {n} of {device}", text)


def decode(id: str, raw: bytes) -> Checkpoint:
    """Decode a checkpoint and check its signature; raise `Corrupt` with the reason."""
    found = commit.split(raw, MAX_PARENTS + 1)
    said = canonical.loads(found.text)
    if type(said) is not dict or said.keys() != _KNOWN or said["v"] != VERSION or type(said["v"]) is not int:
        raise Corrupt("it is not a checkpoint that this version knows")
    device, n, root = said["device"], said["n"], said["root"]
    if type(device) is not str or not _DEVICE.fullmatch(device) or type(n) is not int or n < 0:
        raise Corrupt("the checkpoint does not name its device")
    if type(root) is not str or (root and not _ID.fullmatch(root)):
        raise Corrupt("the checkpoint does not name a trust root")
    proof = identity.verify(found.payload, found.armour)
    return Checkpoint(id, device, n, root, found.tree, found.parents, found.seconds, proof)


def grown(objects: Objects, tree: str, issues: Heads, trust: Iterable[str]) -> str:
    """Return the tree that says the same as `tree` (empty for none) but for these issues, and of trust only `trust`."""
    top = _entries(objects, tree) if tree else {}
    folders = _entries(objects, top["issues"][1]) if "issues" in top else {}
    by_folder: dict[str, dict[str, frozenset[str]]] = {}
    for id, heads in issues.items():
        by_folder.setdefault(id[:2], {})[id] = heads
    for folder, changed in by_folder.items():
        kept = _entries(objects, folders[folder][1]) if folder in folders else {}
        kept = {name: entry for name, entry in kept.items() if name[:40] not in changed}
        kept |= {f"{id}.{head}": (_LINK, head) for id, heads in changed.items() for head in heads}
        folders[folder] = (_TREE, _written(objects, kept))
    said = {"issues": (_TREE, _written(objects, folders))}
    if known := {head: (_LINK, head) for head in trust}:
        is_same = "trust" in top and _entries(objects, top["trust"][1]) == known
        said["trust"] = top["trust"] if is_same else (_TREE, _written(objects, known))
    return _written(objects, said)


def difference(objects: Objects, old: str, new: str) -> Told:
    """Return what the tree `new` says that `old` (empty for none) does not; raise `Corrupt` where it is malformed."""
    before, after = (_entries(objects, tree) if tree else {} for tree in (old, new))
    if after.keys() - {"issues", "trust"} or any(mode != _TREE for mode, _ in after.values()):
        raise Corrupt("the checkpoint's tree holds something else than issues and trust")
    issues: dict[str, frozenset[str]] = {}
    for folder, (mode, id) in _added(objects, before.get("issues"), after.get("issues")):
        if mode != _TREE or not _FOLDER.fullmatch(folder):
            raise Corrupt("the checkpoint's issues are not sorted into folders")
        earlier = _folder(objects, before.get("issues"), folder)
        for name, (kind, head) in _added(objects, earlier, (mode, id)):
            issue, _, named = name.partition(".")
            if kind != _LINK or named != head or issue[:2] != folder or not _ID.fullmatch(issue):
                raise Corrupt("the checkpoint names an issue in a way that has no meaning")
            issues[issue] = issues.get(issue, frozenset()) | {head}
    trust = dict(_added(objects, before.get("trust"), after.get("trust")))
    if any(mode != _LINK or name != head for name, (mode, head) in trust.items()):
        raise Corrupt("the checkpoint names a head of the trust log in a way that has no meaning")
    return Told(issues, frozenset(trust))


def told_of(objects: Objects, tree: str, issues: Iterable[str]) -> Told:
    """Return what a checkpoint's tree says of these issues and of trust; raise `Corrupt` where it is malformed."""
    top = _entries(objects, tree)
    folders = _entries(objects, top["issues"][1]) if "issues" in top else {}
    wanted = frozenset(issues)
    heads: dict[str, set[str]] = {id: set() for id in wanted}
    for folder in {id[:2] for id in wanted} & folders.keys():
        for name, (_, head) in _entries(objects, folders[folder][1]).items():
            if name[:40] in wanted:
                heads[name[:40]].add(head)
    trust = _entries(objects, top["trust"][1]) if "trust" in top else {}
    return Told({id: frozenset(named) for id, named in heads.items()}, frozenset(trust))


Entry = tuple[str, str]  # mode and id


def _folder(objects: Objects, folders: Entry | None, name: str) -> Entry | None:
    return _entries(objects, folders[1]).get(name) if folders else None


def _added(objects: Objects, old: Entry | None, new: Entry | None) -> Iterator[tuple[str, Entry]]:
    if new is None or new == old:
        return
    before = _entries(objects, old[1]) if old else {}
    for name, entry in _entries(objects, new[1]).items():
        if before.get(name) != entry:
            yield name, entry


def _entries(objects: Objects, id: str) -> dict[str, Entry]:
    """Take a tree apart: `mode SP name NUL id`, the id as 20 raw bytes (git's own format)."""
    raw = objects.tree(id, MAX_TREE)
    entries = _ENTRY.findall(raw)
    if sum(len(mode) + len(name) + 22 for mode, name, _ in entries) != len(raw):
        raise Corrupt(f"the tree {id[:12]} is malformed")
    found = {name.decode("utf-8", "replace"): (mode.decode("ascii"), link.hex()) for mode, name, link in entries}
    if len(found) != len(entries):
        raise Corrupt(f"the tree {id[:12]} names something twice")
    return found


def _written(objects: Objects, entries: Mapping[str, Entry]) -> str:
    parts = (f"{mode} {name}\0".encode() + bytes.fromhex(id) for name, (mode, id) in sorted(entries.items()))
    return objects.write_tree(b"".join(parts))
