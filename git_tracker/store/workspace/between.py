"""Links between the repositories of a workspace, and what follows from them.

A link is stored with the issue it goes out from, by the other's full id, which no two repositories share. So an issue is
blocked from elsewhere while an issue in another repository of the workspace says that it blocks it, and is neither done
nor archived. What a missing or broken repository would say is not known, and a repository by itself does not know at all.
"""

from collections.abc import Iterable
from typing import NamedTuple

from git_tracker.store.index import away, read
from git_tracker.store.index.away import Away
from git_tracker.store.reading import Reader
from git_tracker.store.workspace.members import Member


class Between(NamedTuple):
    """`home` says in which repository the issues at either end of a link lie; `blocked` are ids by repository."""

    links: tuple[tuple[str, Away], ...]  # with the name of the repository that holds the link
    home: dict[str, str]
    blocked: dict[str, frozenset[str]]


NOTHING = Between((), {}, {})


def between(present: Iterable[tuple[Member, Reader]], known: dict[str, tuple[str, list[Away]]]) -> Between:
    """Return what links the repositories that can be asked. `known` remembers each one's links as of a cursor."""
    readers = list(present)
    links: list[tuple[str, Away]] = []
    for member, reader in readers:
        cursor = reader.ask(read.cursor)
        if member.name not in known or known[member.name][0] != cursor:
            known[member.name] = (cursor, reader.ask(away.links))
        links += [(member.name, link) for link in known[member.name][1]]
    if not links:
        return NOTHING
    ends = {link.other for _, link in links}
    blocks = {link.other for _, link in links if link.kind == "blocks" and link.open}
    home = {link.issue: name for name, link in links}
    blocked: dict[str, frozenset[str]] = {}
    for member, reader in readers:
        home |= dict.fromkeys(reader.ask(lambda db: away.known(db, ends)), member.name)
        blocked[member.name] = frozenset(reader.ask(lambda db: away.below(db, blocks))) if blocks else frozenset()
    return Between(tuple(links), home, blocked)
