"""Chains: which entries one key wrote, in which order, as far as they are here.

Cuts name the last entry of a chain that counts; whether an entry stands before it on that very chain, and not on a
fork, follows from `prev` alone.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from git_tracker.store.membership import Seen


class Link(NamedTuple):
    """One entry as a link of its chain, with the trust heads it cites."""

    id: str
    n: int
    prev: str | None
    auth: tuple[str, ...]


class Chains:
    """Looks chains up in the index when asked, and knows the entries of the batch at hand besides."""

    def __init__(self, stored: Callable[[str], Iterable[Link]], find: Callable[[str], Link | None]) -> None:
        self._stored, self._find = stored, find
        self._new: dict[str, dict[str, Link]] = {}
        self._before: dict[Seen, tuple[frozenset[str], bool]] = {}

    def add(self, chain: str, link: Link) -> None:
        self._new.setdefault(chain, {})[link.id] = link
        self._before.clear()

    def auth_of(self, chain: str, id: str) -> tuple[str, ...] | None:
        """Return the trust heads that an earlier entry of a chain cites, or None if it is not here."""
        link = self._new.get(chain, {}).get(id) or self._find(id)
        return link.auth if link else None

    def stored(self, chain: str) -> Iterable[Link]:
        """Return the links of a chain that the index has."""
        return self._stored(chain)

    def on_chain(self, end: Seen, id: str, n: int) -> bool | None:
        """Return whether an entry stands on the chain that ends at `end`; None if too little of that chain is here."""
        if end not in self._before:
            self._before[end] = self._walk(end)
        found, whole = self._before[end]
        return True if id in found else False if whole else None

    def _walk(self, end: Seen) -> tuple[frozenset[str], bool]:
        links = {link.id: link for link in self._stored(end.chain)} | self._new.get(end.chain, {})
        found: set[str] = set()
        at: str | None = end.id
        while at is not None:
            link = links.get(at)
            if link is None:
                return frozenset(found), False
            found.add(at)
            at = link.prev if link.n else None
        return frozenset(found), True


def examined(links: Mapping[str, Iterable[Link]], *, one_clone: bool) -> dict[str, Any]:
    """Return `{"entries", "gaps", "forks", "ok"}` of chains: numbers that are missing, and two entries after one.

    A person's key begins a chain in every clone it is used in; a session's key is used in `one_clone`.
    """
    gaps: list[dict[str, Any]] = []
    forks: list[dict[str, Any]] = []
    count = 0
    for chain in links.values():
        ordered = sorted({link.id: link for link in chain}.values(), key=lambda link: link.n)
        ids, after = {link.id for link in ordered}, dict[str, str]()
        count += len(ids)
        for link in ordered:
            if link.prev is not None and link.prev not in ids:
                gaps.append({"n": link.n, "entry": link.id, "missing": link.prev})
            if link.prev is None and not one_clone:
                continue
            other = after.setdefault(link.prev or "", link.id)
            if other != link.id:
                forks.append({"n": link.n, "entries": [other, link.id]})
    return {"entries": count, "gaps": gaps, "forks": forks, "ok": not gaps and not forks}
