"""A signed commit of ours: exactly one sequence of bytes for one content (docs/FORMAT.md, section 2).

Entries and checkpoints are such commits. Stock git calls many spellings of a signed commit Good, and each would be
another id; so what does not look precisely like what `join` and `payload` write is refused.
"""

import hashlib
import re
import zlib
from collections.abc import Sequence
from typing import NamedTuple

from git_tracker.errors import Corrupt

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
MAX_COMMIT = 768 * 1024
MAX_SECONDS = 253402300800  # the year 10000

_HEADER = re.compile(
    rb"tree ([0-9a-f]{40})\n"
    rb"((?:parent [0-9a-f]{40}\n)*)"
    rb"author ((?:[^\x00-\x1f<>\x7f ]+ )+<[^\x00-\x20<>\x7f]*> (0|[1-9][0-9]{0,11}) \+0000)\n"
    rb"committer \3\n"
    rb"gpgsig (-----BEGIN SSH SIGNATURE-----\n(?: [A-Za-z0-9+/=]+\n)+ -----END SSH SIGNATURE-----)\n\n"
)
_PARENTS = re.compile(rb"tree [0-9a-f]{40}\n((?:parent [0-9a-f]{40}\n)*)")
_BLOCK = 4000  # bytes, less than one
_STORED = (0, zlib.DEFLATED, 9, 1)  # level, method, bits of the window, tables
_DEFLATED = (1, zlib.DEFLATED, zlib.MAX_WBITS, 4)


class Commit(NamedTuple):
    """A commit taken apart; `payload` is what was signed, `text` the one line of JSON in its message."""

    tree: str
    parents: tuple[str, ...]
    author: str
    seconds: int
    text: str
    payload: bytes
    armour: str


def commit_id(raw: bytes) -> str:
    """Return the id git gives a commit."""
    return hashlib.sha1(b"commit %d\0" % len(raw) + raw, usedforsecurity=False).hexdigest()


def loose(raw: bytes) -> bytes:
    """Return what the file of a commit holds that is not in a pack.

    What fits into a block of the disk anyway is stored as it is: git deflates it when it packs it. The rest is deflated
    with small tables: setting up large ones takes four times as long as all the rest.
    """
    deflate = zlib.compressobj(*(_STORED if len(raw) < _BLOCK else _DEFLATED))
    return deflate.compress(b"commit %d\0" % len(raw) + raw) + deflate.flush()


def is_id(text: str) -> bool:
    """Return whether a text is the whole id of a commit."""
    return re.fullmatch(r"[0-9a-f]{40}", text) is not None


def author_line(name: str, email: str, seconds: int) -> str:
    """Return `Name <email> seconds +0000` with everything taken out that has no place there."""
    name = " ".join(re.sub(r"[\x00-\x1f<>\x7f]", " ", name).split()) or "nobody"
    email = re.sub(r"[\x00-\x20<>\x7f]", "", email)
    return f"{name} <{email}> {seconds} +0000"


def summary_line(text: str) -> str:
    """Return `text` as the commit's first line: printable, at most 120 characters, never empty."""
    start = text[:500]
    if not start.isprintable():
        start = "".join(char if char.isprintable() else " " for char in start)
    line = " ".join(start.split())
    return (line if len(line) <= 120 else line[:119] + "…") or "entry"


def payload(tree: str, parents: Sequence[str], author: str, summary: str, text: str) -> bytes:
    """Return the bytes to sign: the commit without its signature. `author` comes from `author_line`."""
    header = f"tree {tree}\n" + "".join(f"parent {parent}\n" for parent in parents)
    return f"{header}author {author}\ncommitter {author}\n\n{summary_line(summary)}\n\n{text}\n".encode()


def join(unsigned: bytes, armour: str) -> bytes:
    """Put the signature into the commit."""
    end = unsigned.index(b"\n\n") + 1
    return unsigned[:end] + b"gpgsig " + armour.replace("\n", "\n ").encode() + b"\n" + unsigned[end:]


def parents(raw: bytes) -> tuple[str, ...] | None:
    """Return the parents that a commit names, whatever else it says; None if it does not begin as one."""
    found = _PARENTS.match(raw)
    return tuple(found[1].decode().split()[1::2]) if found else None


def split(raw: bytes, most_parents: int) -> Commit:
    """Take a commit apart; raise `Corrupt` with the reason if it is not exactly what `join` and `payload` write."""
    if len(raw) > MAX_COMMIT:
        raise Corrupt(f"the commit is larger than {MAX_COMMIT} bytes")
    head = _HEADER.match(raw)
    if head is None:
        raise Corrupt(_header_flaw(raw))
    tree, parents_part, author, seconds, armour = head.groups()
    parents = tuple(parents_part.decode().split()[1::2])
    if len(parents) > 1 and (len(parents) > most_parents or len(set(parents)) != len(parents)):
        raise Corrupt(f"a commit of this kind has up to {most_parents} different parents")
    if int(seconds) >= MAX_SECONDS:
        raise Corrupt("the commit's time lies beyond the year 9999")
    if b"\0" in raw:
        raise Corrupt("the commit holds a NUL byte")
    try:
        line, blank, text = raw[head.end() : -1].decode().split("\n")
    except ValueError:  # of decoding as well as of unpacking
        raise Corrupt("the message is not a summary line, a blank line and one line of JSON in UTF-8") from None
    if not line or blank or raw[-1:] != b"\n":
        raise Corrupt("the message is not a summary line, a blank line and one line of JSON")
    signature_at = head.start(5) - len(b"gpgsig ")
    unsigned = raw[:signature_at] + raw[head.end() - 1 :]
    return Commit(
        tree.decode(), parents, author.decode("utf-8", "replace"), int(seconds), text, unsigned,
        armour.replace(b"\n ", b"\n").decode(),
    )  # fmt: skip


def _header_flaw(raw: bytes) -> str:
    header = raw.partition(b"\n\n")[0]
    if b"\ngpgsig " not in header:
        return "the commit is not signed"
    return "the commit's headers are not exactly tree, parent…, author, committer, gpgsig"
