"""Git's objects as they lie on disk: files of their own, read here, and packs, read by libgit2.

libgit2 could read both, but of a file that was cut short, as by a power cut, it reads on and on without an end
(libgit2 issue 7342). So it never gets to see one.
"""

import hashlib
import os
import re
import zlib
from collections.abc import Iterator
from contextlib import suppress

from git_tracker.errors import Corrupt
from git_tracker.store import libgit2

_UNREADABLE = (KeyError, ValueError, libgit2.GitError)  # not here, or damaged, in a pack beyond recognition
_KINDS = {b"commit": libgit2.ObjectType.COMMIT, b"tree": libgit2.ObjectType.TREE, b"blob": libgit2.ObjectType.BLOB}
_NAMES = {number: name for name, number in _KINDS.items()}
_OTHER = 4  # a tag
_HEAD = re.compile(rb"(commit|tree|blob|tag) (0|[1-9][0-9]{0,18})\0")
_LONGEST_HEAD = 28  # bytes, more than any header has
_NESTED = 5  # alternates of alternates, as many as git follows


class Damaged(Corrupt):
    """The file of an object is there and cannot be read."""


class TooLarge(Corrupt):
    """An object is larger than was asked for, and was not read; `found` says of what kind it is."""

    found = 0


class ObjectFiles:
    """The objects of one repository and of those it borrows from (gitrepository-layout(5), objects/info/alternates)."""

    def __init__(self, common: str) -> None:
        folders = [*dict.fromkeys(_borrowed(os.path.join(common, "objects"), _NESTED))]
        self._folders, self._packs = folders, libgit2.packs(folders)
        self._filed: set[str] | None = None  # objects with a file of their own, where somebody had them listed

    def read_once(self) -> None:
        """Be quick with objects in packs, as after `libgit2.read_once`.

        Look for no file that is not here now, but of objects that no pack has, and hold what is read against its id.
        """
        self._filed = {f"{name}{rest}" for folder in self._folders for name, rest in _files(folder)}

    def read(self, id: str, most: int, *, ask: bool = True) -> tuple[int, bytes] | None:
        """Return kind and content of an object of up to so many bytes, or None if it is not here.

        Its size is looked at before the rest is read; where it is in a pack, and we need not `ask`, it may be larger.
        Raises `Damaged` or `TooLarge`.
        """
        if self._filed is not None and id not in self._filed:
            return self._in_pack(id, most, ask) or self._in_file(id, most)
        try:
            return self._in_file(id, most) or self._in_pack(id, most, ask)
        except Damaged:
            if found := self._in_pack(id, most, ask):
                return found
            raise

    def _in_file(self, id: str, most: int) -> tuple[int, bytes] | None:
        flaw: Damaged | None = None
        for path in self._loose(id):
            try:
                return _read(path, id, most)
            except Damaged as error:  # perhaps another folder has it as well
                flaw = error
            except FileNotFoundError:  # packed meanwhile
                continue
        if flaw:
            raise flaw
        return None

    def _in_pack(self, id: str, most: int, ask: bool) -> tuple[int, bytes] | None:
        try:
            oid = libgit2.Oid(hex=id)
            if ask:
                kind, size = self._packs.read_header(oid)
                if size > most:
                    raise _too_large(int(kind), most)
            kind, content = self._packs.read(oid)
        except _UNREADABLE:
            return None
        if self._filed is not None and _id(int(kind), content) != id:
            return None
        return int(kind), content

    def kind(self, id: str) -> int | None:
        """Return of what kind an object is, without reading all of it; None if it is not here or damaged."""
        for path in self._loose(id):
            with suppress(OSError, Damaged):
                return _head(zlib.decompressobj(), _bytes(path, 4096))[0]
        with suppress(*_UNREADABLE):
            return int(self._packs.read_header(libgit2.Oid(hex=id))[0])
        return None

    def _loose(self, id: str) -> Iterator[str]:
        for folder in self._folders:
            path = f"{folder}/{id[:2]}/{id[2:]}"
            if os.access(path, os.F_OK):
                yield path


def _files(folder: str) -> Iterator[tuple[str, str]]:
    """Yield the halves of the names of objects that have a file of their own in a folder."""
    with suppress(OSError):
        for name in filter(re.compile("[0-9a-f]{2}").fullmatch, os.listdir(folder)):
            yield from ((name, rest) for rest in os.listdir(os.path.join(folder, name)))


def _borrowed(folder: str, depth: int) -> Iterator[str]:
    """Yield a folder of objects, and those that it borrows from."""
    yield folder
    if depth:
        with suppress(OSError), open(os.path.join(folder, "info/alternates"), "rb") as file:
            for line in file.read().splitlines():
                if line and not line.startswith(b"#"):
                    yield from _borrowed(os.path.realpath(os.path.join(folder, os.fsdecode(line))), depth - 1)


def _read(path: str, id: str, most: int) -> tuple[int, bytes]:
    """Return what `ObjectFiles.read` does, of an object's own file; raise FileNotFoundError if it is gone."""
    try:
        packed = _bytes(path, most + most // 1000 + 100)  # what is not to be deflated grows by less
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Damaged(f"the object's file cannot be read: {error.strerror}") from error
    stream = zlib.decompressobj()
    kind, size, begun = _head(stream, packed)
    if size > most:
        raise _too_large(kind, most)
    try:
        content = begun + stream.decompress(stream.unconsumed_tail, size + 1)
    except zlib.error as error:
        raise Damaged("the object's file is damaged") from error
    whole = stream.eof and not stream.unused_data and len(content) == size
    if not whole or _id(kind, content) != id:
        raise Damaged("the object's file is damaged")
    return kind, content


def _id(kind: int, content: bytes) -> str:
    return hashlib.sha1(
        b"%s %d\0" % (_NAMES.get(kind, b"tag"), len(content)) + content, usedforsecurity=False
    ).hexdigest()


def _too_large(kind: int, most: int) -> TooLarge:
    error = TooLarge(f"the object is larger than {most} bytes")
    error.found = kind
    return error


def _head(stream: "zlib._Decompress", packed: bytes) -> tuple[int, int, bytes]:
    """Return kind, size, and what of the content came with the header."""
    try:
        begun = stream.decompress(packed, _LONGEST_HEAD)
    except zlib.error as error:
        raise Damaged("the object's file is damaged") from error
    found = _HEAD.match(begun)
    if found is None:
        raise Damaged("the object's file is damaged")
    return _KINDS.get(found[1], _OTHER), int(found[2]), begun[found.end() :]


def _bytes(path: str, most: int) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        found = os.read(descriptor, most)
        while len(found) < most and (more := os.read(descriptor, most - len(found))):  # a file system may give less
            found += more
        return found
    finally:
        os.close(descriptor)
