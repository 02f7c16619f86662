"""What settles a conflict, as events: each function looks at an issue's state and says what to record. Pure deciding."""

from typing import Any

from git_tracker.errors import Conflict, Invalid, NotFound
from git_tracker.store import changes, conflicts, events, registers
from git_tracker.store.changes import Context
from git_tracker.store.shape import Event
from git_tracker.store.state import State


def resolve(state: State, field: str, value: Any, take: str, context: Context) -> list[Event]:
    """Settle concurrent values of a field, or concurrent edits of a text, by saying once what it is.

    `take` names one of the values as `conflicts.taken` has it; else `value` is any that the field can have: a date for
    `due`, the whole text for a text. Refused with `no_conflict` where there is nothing to settle.
    """
    if document := events.document_of(field):
        return _text(state, field, document, value, take)
    writes = state.registers.get(field)
    if writes is None:
        raise NotFound(f"no field {field!r}", "get the issue: `conflicts` names those to settle")
    if not registers.in_conflict(writes):
        raise _nothing(field)
    base, now = state.bases.get(field), state.value(field)
    if take:
        value = conflicts.taken(writes, base and base[5], now, take)
    else:
        value = _plain(field, value, context)
    if field == "status":
        return _status(state, value, writes, context)
    if field == "assignee":
        return [events.AssigneeChanged(assignee=value)]
    return [events.ConflictResolved(field=field, value=value)]


def _plain(field: str, value: Any, context: Context) -> Any:
    if field in ("assignee", "milestone", "due") and value in ("", "none"):
        return None
    if field == "priority" and isinstance(value, str) and value.isdecimal() and value.isascii():
        return int(value[:9])
    return changes.value_of(field, value, context)


def _status(state: State, value: Any, writes: registers.Writes, context: Context) -> list[Event]:
    """One of the concurrent statuses was allowed when it was written; another must be a legal move."""
    if value not in (state.value("status"), *(write[5] for write in writes)):
        return changes.move(state, value, context)
    known = {write[5]: write[0] for write in (*writes, *filter(None, [state.bases.get("status")]))}
    category = {
        write[0]: write[5] for write in (*state.registers["category"], *filter(None, [state.bases.get("category")]))
    }
    found = context.workflow.statuses.get(value) or category.get(known[value]) or context.workflow.category(value)
    return [events.StatusChanged(to=value, category=found)]


def _text(state: State, field: str, document: str, value: Any, take: str) -> list[Event]:
    if document != "description" and document not in state.comments:
        raise NotFound(f"no comment {document}", "get the issue: `conflicts` names those to settle")
    found = state.conflicts.get(document)
    if found is None:
        raise _nothing(field)
    now = state.text(document)
    if take:
        value = conflicts.taken(found["sides"], found["base"], now, take)
    if not isinstance(value, str):
        raise Invalid(f"{field} is text", "give the whole text, or take one that is there")
    return [events.ConflictResolved(field=field, value=changes.difference(now, value) if value != now else [])]


def _nothing(field: str) -> Conflict:
    return Conflict(
        f"{field} is not in conflict", "somebody may have settled it; look at the issue again", code="no_conflict"
    )
