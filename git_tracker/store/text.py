"""Text that many may edit at once: operations, how they apply, how they merge, how they are found by comparison.

An operation is a list of components against the text at the entry's parents, in Unicode code points: a positive
integer keeps so many characters, a string is inserted, a negative integer deletes so many; what remains is kept.
Concurrent operations are replayed by one walk over the event graph (Gentle and Kleppmann, "Collaborative Text
Editing with Eg-walker", 2025), because transforming pairs of operations along different paths does not converge.
"""

from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher

from git_tracker.errors import Invalid

MAX_COMPONENTS = 4096
MAX_COUNT = 1 << 24

Operation = Sequence[int | str]


def flaw(operation: object) -> str:
    """Return what is wrong with the shape of an operation, whatever text it meets, or an empty string."""
    if not isinstance(operation, (list, tuple)) or not 0 < len(operation) <= MAX_COMPONENTS:
        return f"a text operation is a list of 1 to {MAX_COMPONENTS} components"
    last: object = None
    for part in operation:
        if type(part) not in (int, str) or not part:
            return "a component is a non-empty string or an integer other than 0"
        if type(part) is int and abs(part) > MAX_COUNT:
            return "a component counts too far"
        if last is not None and _kind(part) == _kind(last):
            return "two neighbouring components could be one"
        last = part
    return "a text operation ends with a change" if _kind(last) == "keep" else ""


def _kind(part: object) -> str:
    return "insert" if isinstance(part, str) else "keep" if isinstance(part, int) and part > 0 else "delete"


def apply(text: str, operation: Operation) -> str | None:
    """Return the changed text, or None if the operation reaches past its end."""
    pieces, at = [], 0
    for part in operation:
        if isinstance(part, str):
            pieces.append(part)
        elif at + abs(part) > len(text):
            return None
        elif part > 0:
            pieces.append(text[at : at + part])
            at += part
        else:
            at -= part
    pieces.append(text[at:])
    return "".join(pieces)


def difference(old: str, new: str) -> list[int | str]:
    """Return an operation that turns `old` into `new`, found word by word; empty if they are equal."""
    start = 0
    limit = min(len(old), len(new))
    while start < limit and old[start] == new[start]:
        start += 1
    end = 0
    while end < limit - start and old[-1 - end] == new[-1 - end]:
        end += 1
    before, after = _words(old[start : len(old) - end]), _words(new[start : len(new) - end])
    out: list[int | str] = []
    _push(out, start)
    if len(before) * len(after) > 4_000_000:  # a rewrite: comparing would cost more than it saves
        pairs: Iterable[tuple[str, int, int, int, int]] = [("replace", 0, len(before), 0, len(after))]
    else:
        pairs = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    for tag, i1, i2, j1, j2 in pairs:
        size = sum(map(len, before[i1:i2]))
        if tag == "equal":
            _push(out, size)
        else:
            _push(out, "".join(after[j1:j2]))
            _push(out, -size)
    while out and _kind(out[-1]) == "keep":
        out.pop()
    if len(out) > MAX_COMPONENTS:
        out = []
        _push(out, start)
        _push(out, new[start : len(new) - end])
        _push(out, -(len(old) - start - end))
    return out


def replace(old: str, find: str, by: str) -> str:
    """Return `old` with the one occurrence of `find` replaced; raise `Invalid` if there is none or more than one."""
    count = old.count(find) if find else 0
    if count != 1:
        raise Invalid(
            f"the text to find occurs {count} times", "quote a passage of the current text that occurs exactly once"
        )
    return old.replace(find, by)


def _words(text: str) -> list[str]:
    words: list[str] = []
    kind = None
    for char in text:
        now = "w" if char.isalnum() else "s" if char == " " else char
        if now == kind and now in "ws":
            words[-1] += char
        else:
            words.append(char)
        kind = now
    return words


def _push(out: list[int | str], part: int | str) -> None:
    if not part:
        return
    if out and _kind(out[-1]) == _kind(part):
        out[-1] += part  # type: ignore[operator]
    elif isinstance(part, str) and out and _kind(out[-1]) == "delete":
        out.insert(-1, part)  # inserts stand before deletes: one form for one change
        if len(out) > 2 and isinstance(out[-3], str):
            out[-3:-1] = [out[-3] + part]
    else:
        out.append(part)


class _Char:
    """One character of the walk: where it was inserted, and whether it shows in the version under the cursor."""

    __slots__ = ("born", "char", "dead", "left", "place", "right", "state")

    def __init__(
        self, born: tuple[str, int], left: "_Char | None", right: "_Char | None", char: str, state: int
    ) -> None:
        self.born, self.left, self.right, self.char = born, left, right, char
        self.state = state  # 0: not inserted yet, 1: shows, 2 and up: deleted so many times
        self.dead = False  # deleted in the end
        self.place = 0


class Walk:
    """Replays operations in a topological order, moving between the versions they were made against.

    `step(entry, operation, version)` wants entries so ordered that parents come first; `version` is the set of
    earlier steps (by entry id) that the author had seen. A muted entry keeps its place, so that operations made
    on top of it still fit, but shows nothing and deletes nothing.
    """

    def __init__(self, base: str) -> None:
        self._chars: list[_Char] = []
        left = None
        for number, char in enumerate(base):
            left = _Char(("", number), left, None, char, 1)
            self._chars.append(left)
        self._inserts: dict[str, list[_Char]] = {}
        self._deletes: dict[str, list[_Char]] = {}
        self._order: dict[str, int] = {}
        self._muted: set[str] = set()
        self._version: set[str] = set()

    def step(self, entry: str, operation: Operation, version: set[str], *, muted: bool = False) -> bool:
        """Replay one operation; return False, changing nothing, if it does not fit its version."""
        self._move(version)
        need = sum(abs(part) for part in operation if isinstance(part, int))
        if need > sum(1 for char in self._chars if char.state == 1):
            return False
        if muted:
            self._muted.add(entry)
        inserts = self._inserts.setdefault(entry, [])
        deletes = self._deletes.setdefault(entry, [])
        self._order.setdefault(entry, len(self._order))
        at = 0
        for part in operation:
            if isinstance(part, str):
                for char in part:
                    at = self._insert(_Char((entry, len(inserts)), None, None, char, 1), at, inserts, muted)
                continue
            left = abs(part)
            while left:
                found = self._chars[at]
                at += 1
                if found.state == 1:
                    left -= 1
                    if part < 0:
                        found.state = 2
                        found.dead = found.dead or not muted
                        deletes.append(found)
        self._version.add(entry)
        return True

    def text(self) -> str:
        return "".join(char.char for char in self._chars if not char.dead)

    def chars(self) -> list[str]:
        """Return every character that any version ever had, in order."""
        return [char.char for char in self._chars]

    def shown(self, version: set[str]) -> list[bool]:
        """Return which of `chars` show in a version: a set of entries that holds the past of each."""
        self._move(version)
        return [char.state == 1 and char.born[0] not in self._muted for char in self._chars]

    def text_at(self, version: set[str]) -> str:
        """Return the text of a version."""
        return "".join(char.char for char, on in zip(self._chars, self.shown(version), strict=True) if on)

    def _move(self, version: set[str]) -> None:
        known = version & self._order.keys()
        for entry in sorted(self._version - known, key=self._order.__getitem__, reverse=True):
            for char in self._deletes[entry]:
                char.state -= 1
            for char in self._inserts[entry]:
                char.state = 0
        for entry in sorted(known - self._version, key=self._order.__getitem__):
            for char in self._inserts[entry]:
                char.state = 1
            for char in self._deletes[entry]:
                char.state += 1
        self._version = known

    def _insert(self, new: _Char, at: int, inserts: list[_Char], muted: bool) -> int:
        chars = self._chars
        new.dead = muted
        new.left = chars[at - 1] if at else None
        right = at
        while right < len(chars) and chars[right].state == 0:
            right += 1
        new.right = chars[right] if right < len(chars) else None
        if right > at:  # concurrent insertions at this very place: YjsMod's rule decides, the same for everybody
            at = self._settle(new, at, right)
        chars.insert(at, new)
        inserts.append(new)
        return at + 1

    def _settle(self, new: _Char, at: int, right: int) -> int:
        for place, char in enumerate(self._chars):
            char.place = place
        scanning, target = False, at
        for place in range(at, right):
            other = self._chars[place]
            left = other.left.place if other.left else -1
            if left < at - 1:
                break
            if left == at - 1:
                edge = other.right.place if other.right else len(self._chars)
                if edge == right and new.born < other.born:
                    break
                scanning = edge < right
            if not scanning:
                target = place + 1
        return target
