"""The event graph of one issue: topological order, ancestry, and the points everything passes through.

Pure: works on ids, parents and tie-breaking keys. Ancestry is kept per run (a stretch of entries with one parent
and one child each), so a linear history of any length costs nothing and never recurses.
"""

import heapq
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, TypeVar


class Node(Protocol):
    """What the graph needs of an entry."""

    @property
    def id(self) -> str: ...
    @property
    def parents(self) -> tuple[str, ...]: ...
    @property
    def hlc(self) -> tuple[int, int]: ...


N = TypeVar("N", bound=Node)


def topological(nodes: Mapping[str, N]) -> list[N]:
    """Order nodes so that parents come first; ties fall by `(hlc, id)`, alike everywhere.

    Parents outside `nodes` are ignored. Nodes on a cycle (impossible with real hashes) would be left out.
    """
    given = list(nodes.values())
    for line in (given, given[::-1]):
        if is_line(line):
            return line
    children: dict[str, list[N]] = {}
    waiting: dict[str, int] = {}
    ready: list[tuple[tuple[int, int], str]] = []
    for node in nodes.values():
        parents = [parent for parent in node.parents if parent in nodes]
        waiting[node.id] = len(parents)
        for parent in parents:
            children.setdefault(parent, []).append(node)
        if not parents:
            ready.append((node.hlc, node.id))
    heapq.heapify(ready)
    order = []
    while ready:
        node = nodes[heapq.heappop(ready)[1]]
        order.append(node)
        for child in children.get(node.id, ()):
            waiting[child.id] -= 1
            if not waiting[child.id]:
                heapq.heappush(ready, (child.hlc, child.id))
    return order


def is_line(order: Sequence[Node]) -> bool:
    """Return whether each node has one parent, the one before it, and the first has none: most histories are such."""
    before: tuple[str, ...] = ()
    for node in order:
        if node.parents != before:
            return False
        before = (node.id,)
    return True


def heads(nodes: Iterable[Node]) -> tuple[str, ...]:
    """Return the ids that no node builds on, sorted."""
    known = list(nodes)
    built_on = {parent for node in known for parent in node.parents}
    return tuple(sorted(node.id for node in known if node.id not in built_on))


class Ancestry:
    """Answers "is a in the past of b" for nodes given in topological order."""

    def __init__(self, order: Sequence[Node]) -> None:
        self._run: dict[str, tuple[int, int]] = {}  # id -> (run, place in it)
        self._past: dict[int, dict[int, int]] = {}  # run -> what was in the past where the run began
        self._tips: dict[int, str] = {}
        for node in order:
            self._place(node)

    def covers(self, later: str, earlier: str) -> bool:
        """Return whether `earlier` is an ancestor of `later` or the same. Unknown ids lie before everything."""
        if earlier not in self._run:
            return True
        run, place = self._run[earlier]
        own, at = self._run[later]
        return place <= (at if run == own else self._past[own].get(run, -1))

    def past(self, node: str) -> set[str]:
        """Return all known proper ancestors of `node`."""
        own, at = self._run[node]
        limits = self._past[own] | {own: at - 1}
        return {id for id, (run, place) in self._run.items() if place <= limits.get(run, -1)}

    def _place(self, node: Node) -> None:
        parents = [parent for parent in node.parents if parent in self._run]
        if len(parents) == 1:
            run, place = self._run[parents[0]]
            if self._tips[run] == parents[0]:
                self._run[node.id] = (run, place + 1)
                self._tips[run] = node.id
                return
        new = len(self._past)
        past: dict[int, int] = {}
        for parent in parents:
            run, place = self._run[parent]
            for other, limit in (self._past[run] | {run: place}).items():
                past[other] = max(limit, past.get(other, -1))
        self._past[new] = past
        self._run[node.id] = (new, 0)
        self._tips[new] = node.id


def stretches(order: Sequence[N]) -> list[list[N]]:
    """Cut a topological order at its critical nodes: those that every other node is an ancestor or a descendant of.

    Each stretch ends with a critical node, except perhaps the last. In a linear history every stretch has one node.
    """
    place = {node.id: number for number, node in enumerate(order)}
    lowest = [len(order)] * (len(order) + 1)  # lowest parent place among all nodes from here on
    for number in range(len(order) - 1, -1, -1):
        parents = [place[parent] for parent in order[number].parents if parent in place]
        lowest[number] = min(lowest[number + 1], min(parents, default=-1))
    found: list[list[N]] = [[]]
    frontier: set[str] = set()
    for number, node in enumerate(order):
        frontier.difference_update(node.parents)
        frontier.add(node.id)
        found[-1].append(node)
        if len(frontier) == 1 and lowest[number + 1] >= number and number + 1 < len(order):
            found.append([])
    return found if found[-1] else found[:-1]
