"""An entry: one commit that holds one or more events by one author, signed (docs/FORMAT.md, section 2).

Encoding and strict decoding of the commit and its envelope. Exactly one sequence of bytes is valid for one content,
since stock git calls many spellings of a signed commit Good and each would be another id.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from git_tracker.errors import Corrupt, Invalid
from git_tracker.store import canonical, commit
from git_tracker.store.canonical import Json
from git_tracker.store.commit import EMPTY_TREE, MAX_SECONDS

MAX_JSON = 512 * 1024
MAX_EVENTS = 256
MAX_PARENTS = 64
MAX_AUTH = 64
MAX_HLC = MAX_SECONDS * 1000  # in milliseconds
VERSION = 1

_WORD = re.compile(r"[^\x00-\x20\x7f]*")
_FIELDS = {"auth", "events", "hlc", "n", "prev", "repo", "rk", "sid", "under", "v"}

_HEAD = re.compile(r'\{"auth":\[("[0-9a-f]{40}"(?:,"[0-9a-f]{40}")*)\],"events":\[')
_MIDDLE = '],"hlc":['
_TAIL = re.compile(
    r'(0|[1-9][0-9]{0,14}),(0|[1-9][0-9]{0,14})\],"n":(0|[1-9][0-9]{0,14}),"prev":(?:"([0-9a-f]{40})"|null),'
    r'"repo":"([0-9a-f]{40})","rk":"([!#-\[\]-~]{0,200})","sid":"([!#-\[\]-~]{0,64})","under":"((?:[0-9a-f]{40})?)","v":1\}'
)


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


def payload(envelope: Envelope, parents: Sequence[str], author: str, summary: str) -> bytes:
    """Return the bytes to sign: the commit without its signature. `author` comes from `commit.author_line`.

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
    return commit.payload(EMPTY_TREE, parents, author, summary, text)


def decode(id: str, raw: bytes) -> Entry:
    """Decode a commit; raise `Corrupt` with the reason if it is not exactly what `payload` and a signature make."""
    found = commit.split(raw, MAX_PARENTS)
    if len(raw) > MAX_JSON and len(found.text.encode()) > MAX_JSON:
        raise Corrupt(f"the event JSON is larger than {MAX_JSON} bytes")
    envelope = _plain(found.text) or _envelope(canonical.loads(found.text))
    if found.tree != EMPTY_TREE and not any(event.get("type") == "attached" for event in envelope.events):
        raise Corrupt("an entry without attachments has the empty tree")
    return Entry(id, found.parents, found.author, found.seconds, envelope, found.payload, found.armour)


def _plain(text: str) -> Envelope | None:
    """Return what `_envelope` would of a text, in half the time; None for whatever is not as most are."""
    head, middle, tail = _HEAD.match(text), text.rfind(_MIDDLE), None
    if head and middle >= 0:
        tail = _TAIL.fullmatch(text, middle + len(_MIDDLE))
    if head is None or tail is None:
        return None
    try:
        events = canonical.loads(text[head.end() - 1 : middle + 1], within=1)
    except Corrupt:  # which is said of the whole
        return None
    auth, (ms, count, n, prev, repo, rk, sid, under) = head[1][1:-1].split('","'), tail.groups()
    if not 0 < len(events) <= MAX_EVENTS or len(auth) > MAX_AUTH or auth != sorted(set(auth)) or int(ms) >= MAX_HLC:
        return None
    if any(type(event) is not dict or type(event.get("type")) is not str for event in events) or (not prev) != (
        n == "0"
    ):
        return None
    return Envelope(events, (int(ms), int(count)), int(n), prev, repo, tuple(auth), rk, sid, under)


def _envelope(found: Json) -> Envelope:
    if type(found) is not dict or found.keys() != _FIELDS:
        raise Corrupt(f"the envelope's fields are not {', '.join(sorted(_FIELDS))}")
    if found["v"] != VERSION or type(found["v"]) is not int:
        raise Corrupt(f"the entry uses format {found['v']!r}; this version reads {VERSION}")
    events, hlc, n, prev, auth = found["events"], found["hlc"], found["n"], found["prev"], found["auth"]
    if type(events) is not list or not 0 < len(events) <= MAX_EVENTS:
        raise Corrupt(f"an entry holds 1 to {MAX_EVENTS} events")
    for event in events:
        if type(event) is not dict or type(event.get("type")) is not str:
            raise Corrupt("an event is an object with a type")
    if type(hlc) is not list or len(hlc) != 2:
        raise Corrupt("hlc is not a pair of counts")
    ms, count = hlc
    if type(ms) is not int or type(count) is not int or ms < 0 or count < 0:
        raise Corrupt("hlc is not a pair of counts")
    if ms >= MAX_HLC:
        raise Corrupt("hlc lies beyond the year 9999")
    if type(n) is not int or n < 0 or (prev is not None and not _is_id(prev)) or (prev is None) != (n == 0):
        raise Corrupt("n and prev do not name a place in a chain")
    if type(auth) is not list or len(auth) > MAX_AUTH or not all(map(_is_id, auth)) or auth != sorted(set(auth)):
        raise Corrupt("auth is not a sorted list of ids")
    repo, rk, sid, under = found["repo"], found["rk"], found["sid"], found["under"]
    if rk != "" and not _is_word(rk, 200):
        raise Corrupt("rk is not a short word")
    if sid != "" and not _is_word(sid, 64):
        raise Corrupt("sid is not a short word")
    if (repo != "" and not _is_id(repo)) or (under != "" and not _is_id(under)):
        raise Corrupt("repo or under is not an id")
    return Envelope(events, (ms, count), n, prev, repo, tuple(auth), rk, sid, under)


def _is_word(value: Any, limit: int) -> bool:
    return type(value) is str and len(value) <= limit and _WORD.fullmatch(value) is not None


def _is_id(value: Any) -> bool:
    return type(value) is str and len(value) == 40 and not value.strip("0123456789abcdef")
