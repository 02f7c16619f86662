"""Scopes: what a session may do, as its certificate says it. JSON: `{"issues", "operations", "parent"}`, each optional.

`operations` are names or `*`; `issues` are full ids or `*`; with `parent`, that issue and those created under it. An
empty scope allows everything. A scope can only be narrowed by whoever acts under it.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from git_tracker.errors import Corrupt, Invalid, Refused
from git_tracker.store import canonical
from git_tracker.store.events import EVENTS

Scope = Mapping[str, Any]

OPERATIONS = tuple(sorted({event.operation for event in EVENTS.values()}))
_KEYS = {"issues", "operations", "parent"}
_WHERE = {"issues", "parent"}
_FIELDS = {"archived": "archive", "assignee": "assign", "comment": "comment", "status": "status"}
_MOST = 64  # issues; the certificate travels in every signature


def checked(scope: Scope) -> dict[str, Any]:
    """Return a scope in its one form; raise `Invalid` for what it cannot say."""
    if unknown := scope.keys() - _KEYS:
        raise Invalid(f"a scope has no {sorted(unknown)[0]!r}", "it has operations, issues or query, and parent")
    found: dict[str, Any] = {}
    operations = scope.get("operations", "*")
    if operations not in ("*", [], None):
        strange = [name for name in _names(operations, "operations") if name not in OPERATIONS]
        if strange:
            raise Invalid(f"no operation named {strange[0]!r}", f"operations are {', '.join(OPERATIONS)}")
        found["operations"] = sorted(set(operations))
    issues = scope.get("issues", "*")
    if issues not in ("*", [], None):
        if len(_names(issues, "issues")) > _MOST:
            raise Invalid(f"a scope names at most {_MOST} issues", "name a parent instead")
        found["issues"] = sorted(set(issues))
    if scope.get("parent"):
        found["parent"] = scope["parent"]
    return found


def expanded(
    scope: Scope, resolve: Callable[[str], str], find: Callable[[str, int], list[str]]
) -> dict[str, Any]:  # fmt: skip
    """Return a scope as a certificate holds it: prefixes of ids in full, and a `query` as the issues it finds now.

    A query is fixed when the scope is given: what would match it later is not added.
    """
    found = dict(scope)
    if found.get("parent"):
        found["parent"] = resolve(found["parent"])
    if found.get("issues", "*") != "*":
        found["issues"] = [resolve(id) for id in _names(found["issues"], "issues")]
    if query := found.pop("query", ""):
        ids = find(query, _MOST + 1)
        if not ids or "issues" in found:
            raise Invalid(
                f"no issue matches {query!r}" if not ids else "a scope names its issues by a query or one by one",
                "a scope that allows nothing is of no use" if not ids else "leave one of the two out",
            )
        found["issues"] = ids
    return checked(found)


def _names(value: Any, what: str) -> list[str]:
    if not _is_names(value):
        raise Invalid(f"the {what} of a scope are a list of names", 'such as ["comment", "status"], or "*" for all')
    found: list[str] = value
    return found


def _is_names(value: Any) -> bool:
    return type(value) is list and all(type(name) is str for name in value)


def text(scope: Scope) -> str:
    """Return a scope as it stands in a certificate; empty if it allows everything."""
    found = checked(scope)
    return canonical.dumps(found) if found else ""


def narrowed(outer: Scope, inner: Scope) -> dict[str, Any]:
    """Return what both allow; raise `Refused` if that is nothing or the inner one asks for more."""
    outer, inner = checked(outer), checked(inner)
    found = {**outer, **inner}
    if "operations" in outer and (more := {*found["operations"]} - {*outer["operations"]}):
        raise Refused(f"the scope does not include {min(more)}", "ask for less", code="out_of_scope")
    if outer.keys() & _WHERE and inner.keys() & _WHERE:
        found = {name: value for name, value in found.items() if name not in _WHERE or name in inner}
        if more := {*found.get("issues", ())} - {*outer.get("issues", ()), outer.get("parent")}:
            raise Refused(f"the scope does not include {min(more)}", "ask for less", code="out_of_scope")
        if "parent" in found and found["parent"] != outer.get("parent"):
            raise Refused("the scope lies under another parent", "ask for less", code="out_of_scope")
    return found


def operation(event: Mapping[str, Any]) -> str:
    """Return which operation an event is: settling a conflict is what writing the field in any other way is."""
    if event.get("type") == "conflict-resolved":
        return _FIELDS.get(str(event.get("field")).partition(":")[0], "edit")
    kind = EVENTS.get(str(event.get("type")))
    return kind.operation if kind else "unknown"


def forbids(scope: str, events: Iterable[Mapping[str, Any]], issue: str, parent: str | None) -> str:
    """Return what a certificate's scope does not allow about an entry, or an empty string.

    `parent` is the issue under which this one was created.
    """
    if not scope:
        return ""
    try:
        allowed = canonical.loads(scope)
    except Corrupt:
        return "its scope cannot be read"
    if not isinstance(allowed, dict) or allowed.keys() - _KEYS:
        return "its scope says what this version does not know"
    lists = (allowed.get("operations", "*"), allowed.get("issues", "*"))
    if not all(value == "*" or _is_names(value) for value in lists) or type(allowed.get("parent", "")) is not str:
        return "its scope says what this version does not know"
    operations, issues, under = allowed.get("operations", "*"), allowed.get("issues"), allowed.get("parent")
    for event in events:
        if operations != "*" and operation(event) not in operations:
            return f"{operation(event)} is not among its operations"
    if (issues is None and under is None) or (issues is not None and (issues == "*" or issue in issues)):
        return ""
    return "" if under is not None and under in (issue, parent) else "the issue is not among its issues"
