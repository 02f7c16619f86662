"""What a request asks for, as events: each function looks at an issue's state and says what to record.

Pure deciding; whoever writes calls one of these through the store. What the fold would refuse, `fold.step` refuses
here too; what only the workflow asks for is checked here alone.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from git_tracker.errors import Conflict, Invalid, NotFound, Refused
from git_tracker.store import events, text
from git_tracker.store.query import day
from git_tracker.store.shape import Event
from git_tracker.store.state import State
from git_tracker.store.workflow import Workflow

LEASE_SECONDS = 30 * 60
CAP_SECONDS = 24 * 3600


class Context(NamedTuple):
    """What deciding may look at besides the state: who asks, when, and by which rules.

    `resolve` turns an id or prefix into a full issue id, or raises `NotFound`.
    """

    actor: str
    person: str
    now_ms: int
    workflow: Workflow
    resolve: Any
    nonce: Any


class Plan(NamedTuple):
    """One issue to create. Fields as in `create`; `links` are (kind, full id) from the new issue to others."""

    fields: Mapping[str, Any]
    links: Sequence[tuple[str, str]] = ()


CREATE_FIELDS = (
    "title", "description", "type", "priority", "labels", "assignee", "status", "criteria", "due", "milestone",
)  # fmt: skip
UPDATE_FIELDS = (
    "title", "description", "replace", "status", "type", "priority", "assignee", "add_labels", "remove_labels", "parent",
    "due", "milestone", "deferred_until", "estimate", "branch", "archived", "add_criteria", "check_criteria",
    "uncheck_criteria", "add_evidence",
)  # fmt: skip


def create(plan: Plan, context: Context) -> list[Event]:
    """Return the events of a new issue's root entry."""
    fields, flow = plan.fields, context.workflow
    _no_others(fields, CREATE_FIELDS)
    status = fields.get("status") or flow.initial
    if status not in flow.statuses:
        raise Invalid(f"no status named {status!r}", f"use one of: {', '.join(flow.statuses)}")
    priority = fields.get("priority")
    found: list[Event] = [
        events.Created(
            nonce=context.nonce(), title=one_line(fields.get("title", "")), kind=one_line(fields.get("type") or "task"),
            status=status, category=flow.category(status), priority=2 if priority is None else priority,
            description=fields.get("description") or "",
        )
    ]  # fmt: skip
    found += [events.LabelAdded(label=label) for label in _labels(fields.get("labels") or ())]
    if fields.get("assignee"):
        found.append(events.AssigneeChanged(assignee=person(fields["assignee"], context)))
    if fields.get("due"):
        found.append(events.DueSet(due=day(fields["due"])))
    if fields.get("milestone"):
        found.append(events.MilestoneSet(milestone=one_line(fields["milestone"])))
    found += [events.CriterionAdded(text=one_line(criterion)) for criterion in fields.get("criteria") or ()]
    found += [events.LinkAdded(kind=kind, issue=other) for kind, other in plan.links]
    return found


def update(state: State, changes: Mapping[str, Any], context: Context) -> list[Event]:
    """Return the events that bring about `changes`; nothing is recorded for what already is so."""
    _no_others(changes, UPDATE_FIELDS)
    found: list[Event] = []
    for field, kind, name in _REGISTERS:
        if field in changes:
            value = value_of(field, changes[field], context)
            if value != state.value("deferred" if field == "deferred_until" else field):
                found.append(kind(**{name: value}))
    if changes.get("status") is not None:
        found += move(state, changes["status"], context, changes.get("check_criteria") or ())
    found += _description(state, changes)
    labels = state.sets.get("labels", {})
    found += [
        events.LabelAdded(label=label) for label in _labels(changes.get("add_labels") or ()) if label not in labels
    ]
    found += [
        events.LabelRemoved(label=label) for label in _labels(changes.get("remove_labels") or ()) if label in labels
    ]
    if "parent" in changes:
        found += _parent(state, changes["parent"], context)
    if changes.get("archived") is not None and bool(state.value("archived")) != changes["archived"]:
        found.append(events.Archived() if changes["archived"] else events.Unarchived())
    found += [events.CriterionAdded(text=one_line(criterion)) for criterion in changes.get("add_criteria") or ()]
    found += _evidence(changes.get("add_evidence") or ())
    for field, checked in (("check_criteria", True), ("uncheck_criteria", False)):
        for criterion in changes.get(field) or ():
            if criterion not in state.criteria:
                raise NotFound(f"the issue has no criterion {criterion!r}", "get the issue: it lists their ids")
        found += [
            events.CriterionChecked(criterion=criterion, checked=checked) for criterion in changes.get(field) or ()
        ]
    return found


def _evidence(items: Sequence[Mapping[str, str]]) -> list[Event]:
    return [events.EvidenceAdded(kind=one_line(item["kind"]), value=item["value"]) for item in items]


def _no_others(fields: Mapping[str, Any], known: Sequence[str]) -> None:
    for name in fields:
        if name not in known:
            raise Invalid(f"no field named {name!r}", f"the fields are {', '.join(known)}")


def one_line(value: Any) -> str:
    """Return one line of text as it is stored: blanks folded, ends trimmed. Shape is checked by the event."""
    if not isinstance(value, str):
        raise Invalid("a title, a type and a milestone are text")
    return " ".join(value.split()) if len(value) < 100_000 else value


def person(value: Any, context: Context) -> str | None:
    """Return an assignee: `me` is the person who asks, `none` nobody."""
    if value is None or value == "none":
        return None
    return context.person or context.actor if value == "me" else one_line(value)


def value_of(field: str, value: Any, context: Context) -> Any:
    """Return a value of a one-value field as it is stored."""
    if field in ("title", "type") or (field in ("milestone", "branch") and isinstance(value, str) and value):
        return one_line(value)
    if field == "assignee":
        return person(value or None, context)
    if field in ("due", "deferred_until"):
        return day(value) if value else None
    return None if value == "" else value


_REGISTERS: tuple[tuple[str, type[Event], str], ...] = (
    ("title", events.TitleChanged, "title"),
    ("type", events.TypeChanged, "kind"),
    ("priority", events.PriorityChanged, "priority"),
    ("assignee", events.AssigneeChanged, "assignee"),
    ("due", events.DueSet, "due"),
    ("milestone", events.MilestoneSet, "milestone"),
    ("deferred_until", events.Deferred, "until"),
    ("estimate", events.EstimateSet, "estimate"),
    ("branch", events.BranchLinked, "branch"),
)


def _labels(labels: Any) -> list[str]:
    if isinstance(labels, str) or not all(isinstance(label, str) for label in labels):
        raise Invalid("labels are a list of words")
    return list(dict.fromkeys(one_line(label) for label in labels))


def move(state: State, status: str, context: Context, checked: Collection[str] = ()) -> list[Event]:
    """Return the events of a change of status, as the workflow allows it; `checked` are criteria checked with it."""
    old = state.value("status")
    context.workflow.check(old, status)
    if old == status:
        return []
    if context.workflow.category(status) == "done":
        _require_proof(state, checked)
    return [events.StatusChanged(to=status, category=context.workflow.category(status))]


def _require_proof(state: State, checked: Collection[str]) -> None:
    open_criteria = [part for part in state.criteria if part not in checked and not state.value(f"checked:{part}")]
    if open_criteria:
        count = len(open_criteria)
        raise Refused(
            "one acceptance criterion is not checked" if count == 1 else f"{count} acceptance criteria are not checked",
            "look at the issue's criteria and check each that holds",
            code="missing_proof",
        )


def _description(state: State, changes: Mapping[str, Any]) -> list[Event]:
    old = state.texts.get("description", "")
    new = changes.get("description")
    if changes.get("replace"):
        if new is not None:
            raise Invalid("description and replace exclude each other", "send one of them")
        new = old
        for part in changes["replace"]:
            new = text.replace(new, part["find"], part["replace"])
    if new is None or new == old:
        return []
    if not isinstance(new, str):
        raise Invalid("a description is text")
    return [events.DescriptionEdited(operations=difference(old, new))]


def difference(old: str, new: str) -> list[Any]:
    """Return the operation that makes one description or comment of another."""
    events.Created.checks["description"](new)
    if flaw := events.Created.checks["description"](new):
        raise Invalid(f"the text {flaw}")
    return text.difference(old, new)


def _parent(state: State, parent: str | None, context: Context) -> list[Event]:
    links = [link.partition(" ") for link in state.sets.get("links", ())]
    old = [other for kind, _, other in links if kind == "parent"]
    new = context.resolve(parent) if parent and parent != "none" else None
    found: list[Event] = [events.LinkRemoved(kind="parent", issue=other) for other in old if other != new]
    return [*found, events.LinkAdded(kind="parent", issue=new)] if new and new not in old else found


def comment(body: str) -> list[Event]:
    return [events.CommentAdded(body=body)]


def link(state: State, kind: str, other: str, remove: bool) -> list[Event]:
    """Return the events that add or remove a link to the issue with the full id `other`."""
    present = f"{kind} {other}" in state.sets.get("links", {})
    if remove:
        if not present:
            raise NotFound(f"there is no link {kind} {other[:7]}")
        return [events.LinkRemoved(kind=kind, issue=other)]
    return [] if present else [events.LinkAdded(kind=kind, issue=other)]


def claim(state: State, lease_seconds: int, context: Context) -> list[Event]:
    """Take the issue, begin work on it; refused while somebody else holds it."""
    held = state.claim(context.now_ms)
    if held and held.actor != context.actor:
        raise Conflict(
            f"{held.actor} holds a claim on it for another {max(0, held.until - context.now_ms) // 60000 + 1} min",
            "take another issue, or wait until the lease runs out",
            code="claimed",
        )
    if context.workflow.category(state.value("status")) == "done":
        raise Refused("the issue is done", "reopen it first if there is more to do")
    last = state.claims[-1]["entry"] if state.claims else None
    cap = max(CAP_SECONDS, lease_seconds)
    found: list[Event] = [events.Claimed(lease=lease_seconds, cap=cap, supersedes=last)]
    if context.workflow.category(state.value("status")) == "todo":
        found += move(state, context.workflow.first("active"), context)
    return found


def release(state: State, reason: str, context: Context, *, by_person: bool) -> list[Event]:
    """Give the issue back; a person may release anybody's claim.

    Who lost theirs to an earlier one from elsewhere accepts that so; the issue stays with the other.
    """
    if lost := state.lost_claim(context.now_ms, context.actor):
        return [events.ClaimReleased(claim=lost.entry, reason=one_line(reason))]
    held = state.claim(context.now_ms)
    if held is None:
        raise NotFound("nobody holds a claim on it")
    if held.actor != context.actor and not by_person:
        raise Refused(f"the claim is held by {held.actor}", "only its holder or a person can release it")
    found: list[Event] = [events.ClaimReleased(claim=held.entry, reason=one_line(reason))]
    if context.workflow.category(state.value("status")) == "active":
        found += move(state, context.workflow.initial, context)
    return found


def finish(state: State, summary: str, evidence: Sequence[Mapping[str, str]], context: Context) -> list[Event]:
    """Done, with what proves it: a summary, evidence, the status, and the claim given back."""
    held = state.claim(context.now_ms)
    if held and held.actor != context.actor:
        raise Conflict(
            f"{held.actor} holds a claim on it", "ask them, or wait until the lease runs out", code="claimed"
        )
    found = _evidence(evidence)
    if summary.strip():
        found.append(events.CommentAdded(body=summary))
    found += move(state, context.workflow.first("done"), context)
    if held:
        found.append(events.ClaimReleased(claim=held.entry, reason="finished"))
    return found
