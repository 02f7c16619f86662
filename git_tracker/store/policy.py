"""Policies: rules that bind every clone, because the trust log carries them signed.

`people_only` names operations that no agent session may do; `done_by` says who may move to done: `anyone`, `people` or
`maintainers` (owners included); `review` whether somebody has to look at it first who did not do the work: `none`,
`another` (anybody else) or `person` (a person, no session); `manual_fields` names fields whose concurrent values wait for
somebody to choose. The policy that holds for an entry is the latest in the state it cites.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from git_tracker.errors import Invalid
from git_tracker.store.membership import GOVERNS
from git_tracker.store.registers import FIELDS
from git_tracker.store.review import RULES
from git_tracker.store.scope import OPERATIONS, operation

DONE_BY = ("anyone", "people", "maintainers")


def check(rules: Mapping[str, Any]) -> None:
    """Raise `Invalid` for rules that nobody would know what to do with."""
    for name, value in rules.items():
        if name == "people_only":
            unknown = [word for word in value if word not in OPERATIONS] if isinstance(value, list) else [value]
            if unknown:
                raise Invalid(f"people_only: no operation {unknown[0]!r}", f"operations are {', '.join(OPERATIONS)}")
        elif name == "done_by":
            if value not in DONE_BY:
                raise Invalid(f"done_by: {value!r} is nobody", f"use one of {', '.join(DONE_BY)}")
        elif name == "review":
            if value not in RULES:
                raise Invalid(f"review: {value!r} is no rule", f"use one of {', '.join(RULES)}")
        elif name == "manual_fields":
            others = [word for word in value if word not in FIELDS] if isinstance(value, list) else [value]
            if others:
                raise Invalid(f"manual_fields: no such field {others[0]!r}", f"fields are {', '.join(FIELDS)}")
        else:
            raise Invalid(f"no rule named {name!r}", "the rules are people_only, done_by, review and manual_fields")


def review(rules: Mapping[str, Any]) -> str:
    """Return the rule about reviews, or nothing if none is needed."""
    found = rules.get("review")
    return str(found) if found in RULES[1:] else ""


def manual_fields(rules: Mapping[str, Any]) -> list[str]:
    """Return the fields that keep their base while their concurrent values are in conflict."""
    named = rules.get("manual_fields", ())
    return [field for field in FIELDS if field in named] if type(named) is list else []


def forbids(rules: Mapping[str, Any], events: Iterable[Mapping[str, Any]], role: str, *, session: bool) -> str:
    """Return what the rules forbid about an entry by a person of that role or a session of theirs, or nothing."""
    people_only, done_by = rules.get("people_only", ()), rules.get("done_by", "anyone")
    if type(people_only) is not list:  # what a version that knows more may have said
        people_only = ()
    for event in events:
        if session and operation(event) in people_only:
            return f"only people may {operation(event)}"
        if event.get("type") in ("created", "status-changed") and event.get("category") == "done":
            if done_by != "anyone" and session:
                return "only people may move to done"
            if done_by == "maintainers" and role not in GOVERNS:
                return "only maintainers may move to done"
    return ""
