"""An entry: one commit that holds one or more events by one author, signed (docs/FORMAT.md, section 2).

Encoding and strict decoding of the commit and its envelope. Exactly one sequence of bytes is valid for one content,
since stock git calls many spellings of a signed commit Good and each would be another id.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from git_tracker.errors import Corrupt, Invalid
from git_tracker.store import canonical
from git_tracker.store.canonical import Json

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
MAX_COMMIT = 768 * 1024
MAX_JSON = 512 * 1024
MAX_EVENTS = 256
MAX_PARENTS = 64
MAX_AUTH = 64
MAX_SECONDS = 253402300800  # the year 10000
MAX_HLC = MAX_SECONDS * 1000  # in milliseconds
VERSION = 1

_HEADER = re.compile(
    rb"tree ([0-9a-f]{40})\n"
    rb"((?:parent [0-9a-f]{40}\n)*)"
    rb"author ((?:[^\x00-\x1f<>\x7f ]+ )+<[^\x00-\x20<>\x7f]*> (0|[1-9][0-9]{0,11}) \+0000)\n"
    rb"committer \3\n"
    rb"gpgsig (-----BEGIN SSH SIGNATURE-----\n(?: [A-Za-z0-9+/=]+\n)+ -----END SSH SIGNATURE-----)\n\n"
)
_ID = re.compile(r"[0-9a-f]{40}")
_WORD = re.compile(r"[^\x00-\x20\x7f]*")
_FIELDS = {"auth", "events", "hlc", "n", "prev", "repo", "rk", "sid", "under", "v"}


class Envelope(NamedTuple):
    """What an entry says besides its events (DESIGN: fixed for all later versions of the format)."""

    events: Sequence[Mapping[str, Json]]
    hlc: tuple[int, int]
    n: int
    prev: str | None
    repo: str
    auth: tuple[str, ...] = ()
    rk: str = ""
    sid: str = ""
    under: str = ""


class Entry(NamedTuple):
    """A commit as decoded; well formed, not yet verified. `seconds` is the committer's clock."""

    id: str
    parents: tuple[str, ...]
    author: str
    seconds: int
    envelope: Envelope
    payload: bytes
    armour: str

    @property
    def digest(self) -> str:
        """Names the signed payload: the same payload under two ids counts once."""
        return hashlib.sha256(self.payload).hexdigest()[:32]


def commit_id(raw: bytes) -> str:
    """Return the id git gives a commit."""
    return hashlib.sha1(b"commit %d\0" % len(raw) + raw, usedforsecurity=False).hexdigest()


def author_line(name: str, email: str, seconds: int) -> str:
    """Return `Name <email> seconds +0000` with everything taken out that has no place there."""
    name = " ".join(re.sub(r"[\x00-\x1f<>\x7f]", " ", name).split()) or "nobody"
    email = re.sub(r"[\x00-\x20<>\x7f]", "", email)
    return f"{name} <{email}> {seconds} +0000"


def payload(envelope: Envelope, parents: Sequence[str], author: str, summary: str) -> bytes:
    """Return the bytes to sign: the commit without its signature. `author` comes from `author_line`.

    Raises `Invalid` for more than `decode` would accept.
    """
    text = canonical.dumps({
        "auth": list(envelope.auth), "events": list(envelope.events), "hlc": list(envelope.hlc), "n": envelope.n,
        "prev": envelope.prev, "repo": envelope.repo, "rk": envelope.rk, "sid": envelope.sid,
        "under": envelope.under, "v": VERSION,
    })  # fmt: skip
    if len(text) > MAX_JSON or len(envelope.events) > MAX_EVENTS:
        raise Invalid(
            f"an entry holds up to {MAX_EVENTS} events and {MAX_JSON} bytes", "say it in several smaller changes"
        )
    header = f"tree {EMPTY_TREE}\n" + "".join(f"parent {parent}\n" for parent in parents)
    return f"{header}author {author}\ncommitter {author}\n\n{summary_line(summary)}\n\n{text}\n".encode()


def summary_line(text: str) -> str:
    """Return `text` as the commit's first line: printable, at most 120 characters, never empty."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text[:500]).split())
    return (line if len(line) <= 120 else line[:119] + "…") or "entry"


def join(unsigned: bytes, armour: str) -> bytes:
    """Put the signature into the commit."""
    end = unsigned.index(b"\n\n") + 1
    return unsigned[:end] + b"gpgsig " + armour.replace("\n", "\n ").encode() + b"\n" + unsigned[end:]


def decode(id: str, raw: bytes) -> Entry:
    """Decode a commit; raise `Corrupt` with the reason if it is not exactly what `join` and `payload` write."""
    if len(raw) > MAX_COMMIT:
        raise Corrupt(f"the commit is larger than {MAX_COMMIT} bytes")
    head = _HEADER.match(raw)
    if head is None:
        raise Corrupt(_header_flaw(raw))
    tree, parents_part, author, seconds, armour = head.groups()
    parents = tuple(parents_part.decode().split()[1::2])
    if len(parents) > MAX_PARENTS or len(set(parents)) != len(parents):
        raise Corrupt(f"an entry has up to {MAX_PARENTS} different parents")
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
    if len(raw) > MAX_JSON and len(text.encode()) > MAX_JSON:
        raise Corrupt(f"the event JSON is larger than {MAX_JSON} bytes")
    envelope = _envelope(canonical.loads(text))
    if tree.decode() != EMPTY_TREE and not any(event.get("type") == "attached" for event in envelope.events):
        raise Corrupt("an entry without attachments has the empty tree")
    signature_at = head.start(5) - len(b"gpgsig ")
    unsigned = raw[:signature_at] + raw[head.end() - 1 :]
    return Entry(
        id, parents, author.decode("utf-8", "replace"), int(seconds), envelope, unsigned,
        armour.replace(b"\n ", b"\n").decode(),
    )  # fmt: skip


def _header_flaw(raw: bytes) -> str:
    header = raw.partition(b"\n\n")[0]
    if b"\ngpgsig " not in header:
        return "the commit is not signed"
    return "the commit's headers are not exactly tree, parent…, author, committer, gpgsig"


def _envelope(found: Json) -> Envelope:
    if type(found) is not dict or found.keys() != _FIELDS:
        raise Corrupt(f"the envelope's fields are not {', '.join(sorted(_FIELDS))}")
    if found["v"] != VERSION or type(found["v"]) is not int:
        raise Corrupt(f"the entry uses format {found['v']!r}; this version reads {VERSION}")
    events, hlc, n, prev, auth = (found[name] for name in ("events", "hlc", "n", "prev", "auth"))
    if type(events) is not list or not 0 < len(events) <= MAX_EVENTS:
        raise Corrupt(f"an entry holds 1 to {MAX_EVENTS} events")
    if any(type(event) is not dict or type(event.get("type")) is not str for event in events):
        raise Corrupt("an event is an object with a type")
    if type(hlc) is not list or len(hlc) != 2 or any(type(part) is not int or part < 0 for part in hlc):
        raise Corrupt("hlc is not a pair of counts")
    if hlc[0] >= MAX_HLC:
        raise Corrupt("hlc lies beyond the year 9999")
    if type(n) is not int or n < 0 or (prev is not None and not _is_id(prev)) or (prev is None) != (n == 0):
        raise Corrupt("n and prev do not name a place in a chain")
    if type(auth) is not list or len(auth) > MAX_AUTH or not all(map(_is_id, auth)) or auth != sorted(set(auth)):
        raise Corrupt("auth is not a sorted list of ids")
    for name, limit in (("repo", 40), ("rk", 200), ("sid", 64), ("under", 40)):
        value = found[name]
        if type(value) is not str or (value and (len(value) > limit or not _WORD.fullmatch(value))):
            raise Corrupt(f"{name} is not a short word")
    if (found["repo"] and not _is_id(found["repo"])) or (found["under"] and not _is_id(found["under"])):
        raise Corrupt("repo or under is not an id")
    return Envelope(
        events, (hlc[0], hlc[1]), n, prev, found["repo"], tuple(auth), found["rk"], found["sid"], found["under"]
    )


def _is_id(value: Any) -> bool:
    return type(value) is str and _ID.fullmatch(value) is not None
