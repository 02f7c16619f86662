"""Dependencies of Beads as links, held by the issue that our kind of link starts from."""

from hashlib import sha256
from typing import Any

from git_tracker.bridges import lines
from git_tracker.bridges.facts import Fields
from git_tracker.bridges.keeping import is_line

Json = Any

NAME = "beads"

# Beads' kind -> our kind, whether the link starts from the issue depended on, and whether ours says as much.
# `bd supersede OLD --with NEW` records that OLD depends on NEW; some records mean it the other way, so it is kept.
KINDS = {
    "blocks": ("blocks", True, True), "parent-child": ("parent", False, True),
    "discovered-from": ("discovered-from", False, True), "duplicates": ("duplicates", False, True),
    "relates-to": ("relates", False, True), "related": ("relates", False, False),
    "supersedes": ("supersedes", True, False), "blocked-by": ("blocks", True, False),
    "conditional-blocks": ("blocks", True, False), "waits-for": ("blocks", True, False),
}  # fmt: skip
_OTHERWISE = ("relates", False, False)  # tracks, replies-to, caused-by, …

_FIELDS = {"issue_id", "depends_on_id", "type", "created_at", "created_by"}
_SAID = (("by", "created_by"), ("at", "created_at"))


def identify(id: Json) -> str:
    """Return an id of Beads as one line: as it is, or escaped so that it can be told from every other."""
    if is_line(id, 400) and not id.startswith(("json:", "sha256:")):
        return str(id)
    text = "json:" + lines.text(id)
    return text if len(text) <= 400 else "sha256:" + sha256(text.encode()).hexdigest()


class Links:
    """The links of a whole file. `known` are all ids there are, in the file and from earlier imports."""

    def __init__(self, known: set[str]) -> None:
        self.held: dict[str, list[Fields]] = {}
        self._known = known
        self._taken: set[tuple[str, str, str]] = set()
        self._children: set[str] = set()  # those that have a parent

    def add(self, origin: str, record: Fields, dependency: Json) -> tuple[str, str]:
        """Add one dependency of a record; return what became of it, and why its own words must be kept (or nothing)."""
        found = dependency if type(dependency) is dict else {}
        said = found.get("type") if is_line(found.get("type"), 64) else ""
        kind, mirrored, exact = KINDS.get(str(said), _OTHERWISE)
        other = identify(found.get("depends_on_id"))
        if found.get("issue_id") != record["id"] or other == origin:
            return "", "of no two issues"
        if other not in self._known:
            return "", "on an issue that is not here"
        if kind == "parent" and origin in self._children:
            kind, exact = "relates", False  # an issue has one parent
        holder, issue = (other, origin) if mirrored else (origin, other)
        if (holder, kind, issue) in self._taken:
            return "", "that says what another says"
        self._taken.add((holder, kind, issue))
        if kind == "parent":
            self._children.add(origin)
        by = {key: found[field] for key, field in _SAID if is_line(found.get(field))}
        link = {"type": "link-added", "kind": kind, "issue": issue}
        self.held.setdefault(holder, []).append(link | {"imported": {"from": NAME, "id": origin, **by}})
        fits = found.keys() == _FIELDS and len(by) == 2
        became = f"dependency {said} → {'the other ' if mirrored else ''}{kind}"
        return became, "" if exact and fits else f"of the kind {said}" if not exact else "with more or less to say"
