"""What somebody else's tracker says about one issue, as facts that can be compared.

The wanted state comes from a file as event JSON; what earlier imports said comes from the events they recorded.
Both turn into facts, and the difference is what a further import writes: never more, and never over what people
changed here as long as the file still says what it said before.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

Json = Any
Fields = dict[str, Json]
Key = tuple[str, ...]


class Fact(NamedTuple):
    """`value` is what is compared; `event` says how to record it, `part` is where it stands already."""

    value: Json
    event: Fields
    part: str = ""


def facts(told: Iterable[tuple[str, Fields]]) -> dict[Key, Fact]:
    """Return what events add up to, given as (part id or empty, event JSON), in order."""
    found: dict[Key, Fact] = {}
    parts: dict[str, Key] = {}
    for part, event in told:
        if event["type"] in _EDITS:
            key = parts.get(event.get("comment", ""), ("description",))
            if key in found and event["text"] is not None:
                old = found[key]
                value = event["text"] if key == ("description",) else [event["text"], *old.value[1:]]
                found[key] = old._replace(value=value)
        elif event["type"] == "criterion-checked":
            key = parts.get(event["criterion"], ("criterion", event["criterion"]))
            if key in found:
                found[key] = found[key]._replace(value=event.get("checked", True))
        else:
            for key, value in _facts_of(event):
                if part:
                    parts[part] = key
                if value is None:
                    found.pop(key, None)
                else:
                    found[key] = Fact(value, event, part)
    return found


_EDITS = ("description-edited", "comment-edited")
_REGISTERS = {
    "title-changed": ("title", "title"), "type-changed": ("type", "kind"), "priority-changed": ("priority", "priority"),
    "assignee-changed": ("assignee", "assignee"), "milestone-set": ("milestone", "milestone"), "due-set": ("due", "due"),
    "deferred": ("deferred", "until"), "estimate-set": ("estimate", "estimate"), "branch-linked": ("branch", "branch"),
}  # fmt: skip
_CLEARING = {
    name: (kind, field) for kind, (name, field) in _REGISTERS.items() if name not in ("title", "type", "priority")
}


def _facts_of(event: Fields) -> Iterator[tuple[Key, Json]]:
    kind, origin = event["type"], event.get("imported") or {}
    said = [origin.get("by"), origin.get("at")]
    if kind == "created":
        yield ("title",), event["title"]
        yield ("type",), event.get("kind", "task")
        yield ("status",), [event.get("status", "todo"), event.get("category", "todo"), None, None]
        yield ("priority",), event.get("priority", 2)
        yield ("description",), event.get("description", "")
    elif kind in _REGISTERS:
        name, field = _REGISTERS[kind]
        yield (name,), event.get(field)
    elif kind == "status-changed":
        yield ("status",), [event["to"], event.get("category", "active"), *said]
    elif kind == "archived":
        yield ("archived",), [event.get("reason", ""), *said]
    elif kind == "unarchived":
        yield ("archived",), None
    elif kind == "custom":
        yield ("custom", event["name"]), event.get("value")
    elif kind in ("label-added", "label-removed"):
        yield ("label", event["label"]), True if kind == "label-added" else None
    elif kind in ("link-added", "link-removed"):
        value = [origin.get("id"), *said] if kind == "link-added" else None
        yield ("link", event["kind"], event["issue"]), value
    elif kind == "comment-added":
        yield ("comment", origin.get("id", "")), [event["body"], *said]
    elif kind == "criterion-added":
        yield ("criterion", event["text"]), False
    elif kind == "evidence-added":
        yield ("evidence", event["kind"], event["value"]), said
    elif kind == "time-logged":
        yield ("spent",), event["seconds"]


def changes(wanted: Mapping[Key, Fact], said: Mapping[Key, Fact], origin: Fields, speakers: set[str]) -> list[Fields]:
    """Return the events that lead from what was said before to what is wanted now.

    Edits of texts have a field `text` in place of operations. `origin` is what each event says of where it comes
    from; links are taken back only where the record that told them is among the `speakers`.
    """
    found = []
    for key, fact in wanted.items():
        old = said.get(key)
        if old is None or old.value != fact.value:
            found += [event | {"imported": event.get("imported", origin)} for event in _change(key, fact, old)]
    for key, old in said.items():
        if key not in wanted and (event := _removal(key, old, speakers)):
            found.append(event | {"imported": origin})
    return found


def _change(key: Key, fact: Fact, old: Fact | None) -> list[Fields]:
    value, event = fact.value, fact.event
    if key == ("description",):
        return [{"type": "description-edited", "text": value}]
    if event["type"] == "created":
        return [_register(key[0], value)]
    if key[0] == "comment" and old is not None:
        return [{"type": "comment-edited", "comment": old.part, "text": value[0]}] if value[0] != old.value[0] else []
    if key[0] == "criterion":
        checked = [{"type": "criterion-checked", "criterion": old.part, "checked": value}] if old else []
        return checked or [{"type": "criterion-added", "text": key[1]}]
    if key[0] == "spent" and old is not None:
        return [event | {"seconds": value - old.value}] if value > old.value else []
    return [event]


def _register(name: str, value: Json) -> Fields:
    if name == "status":
        return {"type": "status-changed", "to": value[0], "category": value[1]}
    kind, field = next((kind, field) for kind, (known, field) in _REGISTERS.items() if known == name)
    return {"type": kind, field: value}


def _removal(key: Key, old: Fact, speakers: set[str]) -> Fields | None:
    if key[0] == "label":
        return {"type": "label-removed", "label": key[1]}
    if key[0] == "link" and old.value[0] in speakers:
        return {"type": "link-removed", "kind": key[1], "issue": key[2]}
    if key[0] == "custom":
        return {"type": "custom", "name": key[1], "value": None}
    if key[0] == "archived":
        return {"type": "unarchived"}
    if key[0] in _CLEARING:
        kind, field = _CLEARING[key[0]]
        return {"type": kind, field: None}
    return None  # comments, criteria, evidence: what was said stays said
