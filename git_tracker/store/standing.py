"""How far things have come, in a file of a few bytes: what was journaled, what of it stands in git, and how the refs stood.

Two hands write it. Who holds the tracker's lock says what the journal gets; who holds the publishers' turn says what
reached git, and the signature of the refs then. So whether an index is equal to git takes one look at this file and a
few at folders, and nobody has to hold both locks for that. What is read without them may be half of two states: then
the signature is none that fits, and whoever needs to know takes a lock.
"""

import os
from functools import cache
from typing import NamedTuple

QUIET, BEGUN, DISTURBED = range(3)  # of `state`

_NUMBER = 8  # bytes, so that each is read and written whole
_TEXT = 3 * _NUMBER
_SIZE = 1 << 14


class Standing(NamedTuple):
    """`journaled` and `published` are numbers of the journal's records.

    `state` says whether somebody began to publish and has not ended, or found that others had moved refs. The rest is
    the boot of the machine since which all that holds, the epoch of the index that is equal to git, and the refs'
    signature then; empty where nobody knows.
    """

    journaled: int = 0
    published: int = 0
    state: int = DISTURBED
    boot: str = ""
    epoch: str = ""
    signature: str = ""

    @property
    def is_settled(self) -> bool:
        """Return whether all that was journaled stands in git, and refs are known not to have been moved by others."""
        return self.journaled == self.published and self.state == QUIET and self.boot == boot()

    @property
    def is_moving(self) -> bool:
        """Return whether what was journaled is on its way, and nothing else was noticed."""
        return self.journaled != self.published and self.state != DISTURBED and self.boot == boot()


def read(path: str) -> tuple[Standing, float]:
    """Return what the file says and when it last changed, in seconds since 1970; nothing known if it is not there."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return Standing(), 0.0
    try:
        return _parsed(os.pread(descriptor, _SIZE, 0)), os.fstat(descriptor).st_mtime
    finally:
        os.close(descriptor)


class StandingFile:
    """The file, open for those who write it."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._descriptor: int | None = None
        self._last = b"", Standing()

    def read(self) -> Standing:
        content, (known, parsed) = os.pread(self._file(), _SIZE, 0), self._last
        if content != known:  # it is asked for several times in a write
            parsed = _parsed(content)
            self._last = content, parsed
        return parsed

    def changed(self) -> float:
        """Return when something was said last, in seconds since 1970."""
        return os.fstat(self._file()).st_mtime

    def journal(self, number: int) -> None:
        """Say what the journal is about to get. The caller holds the tracker's lock."""
        os.pwrite(self._file(), number.to_bytes(_NUMBER, "little"), 0)

    def begin(self) -> None:
        """Say that publishing begins. The caller has the publishers' turn."""
        os.pwrite(self._file(), BEGUN.to_bytes(_NUMBER, "little"), 2 * _NUMBER)

    def end(self, published: int, state: int, epoch: str, signature: str) -> None:
        """Say how it ended. The caller has the publishers' turn, or the tracker's lock while nothing is on its way."""
        numbers = b"".join(number.to_bytes(_NUMBER, "little") for number in (published, state))
        os.pwrite(self._file(), numbers + f"{boot()}\t{epoch}\t{signature}\n".encode(), _NUMBER)

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _file(self) -> int:
        if self._descriptor is not None and not os.fstat(self._descriptor).st_nlink:
            self.close()  # somebody removed it: others have a new one
        if self._descriptor is None:
            how = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
            self._descriptor = os.open(self.path, how, 0o600)
        return self._descriptor


@cache
def boot() -> str:
    """Return what the kernel calls the time since the machine started; a dash if it has no name for it.

    After a power cut the name is another one. Where there is none, only `tracker doctor` looks for what was lost.
    """
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read(64).strip() or "-"
    except OSError:
        return "-"


def _parsed(content: bytes) -> Standing:
    if len(content) <= _TEXT:
        return Standing(int.from_bytes(content[:_NUMBER], "little"))
    journaled, published, state = (
        int.from_bytes(content[at : at + _NUMBER], "little") for at in range(0, _TEXT, _NUMBER)
    )
    parts = content[_TEXT:].partition(b"\n")[0].decode("utf-8", "replace").split("\t")
    return Standing(journaled, published, state, *parts) if len(parts) == 3 else Standing(journaled, published)
