"""One record of Beads as the events of an issue: what becomes of each field stands in the methods of `Mapping`."""

import re
from datetime import UTC, datetime
from typing import Any

from git_tracker.bridges.beads.links import NAME
from git_tracker.bridges.facts import Fields
from git_tracker.bridges.keeping import MAX_WORD, as_line, as_text, is_line, is_text, kept
from git_tracker.bridges.report import Report
from git_tracker.store import Workflow

Json = Any

# Beads' status -> the category of ours, and whether ours says as much as Beads' did. A tombstone is archived.
STATUSES = {
    "open": ("todo", True), "in_progress": ("active", True), "closed": ("done", True), "hooked": ("active", False),
    "blocked": ("todo", False), "deferred": ("todo", False), "pinned": ("todo", False),
}  # fmt: skip
_UNKNOWN = ("todo", False)

_FOREVER = 253402300799  # the end of the year 9999: deferred without a day
_CHECKLIST = re.compile(r"- \[([ x])\] (.+)")
_OURS = ("other", "earlier")  # names of custom fields that stand for no field of Beads
_EMPTY: tuple[Json, ...] = (None, "", [])  # as good as absent, in the fields that are mapped
_MAPPED = set(
    "title description status priority issue_type created_at created_by updated_at closed_at close_reason deleted_at"
    " deleted_by delete_reason original_type assignee owner labels comments dependencies notes design"
    " acceptance_criteria external_ref due_at defer_until estimated_minutes".split()
)
_COMMENT = {"id", "issue_id", "author", "text", "created_at"}
_SAID = (("by", "author"), ("at", "created_at"))


class Mapping:
    """One record on its way: methods take fields out of `left`, and what is left at the end had no place."""

    def __init__(self, origin: str, record: Fields, workflow: Workflow, report: Report) -> None:
        self.origin, self.record, self.workflow, self.report = origin, record, workflow, report
        self.left = {name: value for name, value in record.items() if name not in _MAPPED or value not in _EMPTY}
        self.custom: dict[str, Json] = {}
        self.other: Fields = {}
        if self.left.pop("id") != origin:
            self.keep("id", record["id"], "an id that is no line of up to 400 bytes")

    def events(self) -> list[Fields]:
        """Return everything but the links, which must have been taken out of `left` before."""
        found = [
            self._created(), *self._labels(), *self._assignee(), *self._days(), *self._criteria(), *self._comments(),
            *self._close_reason(), *(self._archived() if self.record.get("status") == "tombstone" else self._moved()),
        ]  # fmt: skip
        for name, value in self.left.items():
            self.keep(name, value)
        if self.other:
            self.put("other", self.other, "names that no custom field can have")
        found += [{"type": "custom", "name": name, "value": value} for name, value in self.custom.items()]
        return [event | {"imported": event.get("imported") or self._origin()} for event in found]

    def keep(self, name: str, value: Json, note: str = "") -> None:
        """Put a field into a custom field of its name, or with others into `beads:other` if no field can have it."""
        if name in _OURS or "#" in name or not is_line(f"{NAME}:{name}", MAX_WORD - 4):
            self.other[name] = value
        else:
            self.put(name, value, note)

    def put(self, name: str, value: Json, note: str = "") -> None:
        """Put something into a custom field, and a note into the report."""
        field = f"{NAME}:{name}"
        if note:
            self.report.notes[f"{note}: whole in {field}"] += 1
        self.report.kept[field] += 1
        self.custom |= kept(field, value)

    def _origin(self, by: str = "", at: str = "") -> Fields:
        """Return where an event comes from; `by` and `at` are fields that go along if they fit."""
        found = {"from": NAME, "id": self.origin}
        for key, name in (("by", by), ("at", at)):
            if is_line(self.left.get(name)):
                found[key] = self.left.pop(name)
                self.told(f"{name} → who said it" if key == "by" else f"{name} → when it was said")
        return found

    def told(self, what: str) -> None:
        """Count that something became something."""
        self.report.mapped[what] += 1

    def _created(self) -> Fields:
        left = self.left
        title, kind = left.pop("title", ""), left.pop("issue_type", "task")
        priority, description = left.pop("priority", 2), left.pop("description", "")
        if self.record.get("status") == "tombstone" and is_line(left.get("original_type"), MAX_WORD):
            original = left.pop("original_type")
            if original != kind:
                self.keep("issue_type", kind)
            kind = original
        if not is_line(title):
            self.keep("title", title, "a title that is no line of up to 512 characters")
            title = as_line(title) or as_line(f"untitled {self.origin}")
        if not is_line(kind, MAX_WORD):
            self.keep("issue_type", kind, "a type that is no line of up to 64 characters")
            kind = as_line(kind, MAX_WORD) or "task"
        if type(priority) is not int or not 0 <= priority <= 4:
            self.keep("priority", priority, "a priority that is not 0 to 4")
            priority = 2
        if not is_text(description):
            self.keep("description", description, "a description that does not fit")
            description = as_text(description)
        for name in ("title → title", "issue_type → type", "priority → priority", "description → description"):
            self.report.mapped[name] += 1
        return {
            "type": "created", "title": title, "kind": kind, "priority": priority, "description": description,
            "status": self.workflow.first("todo"), "category": "todo",
            "imported": self._origin("created_by", "created_at"),
        }  # fmt: skip

    def _labels(self) -> list[Fields]:
        labels = self.left.pop("labels", [])
        fine = type(labels) is list and all(is_line(label, MAX_WORD) for label in labels)
        if not fine or len(set(labels)) != len(labels):
            self.keep("labels", labels, "labels that are no different lines of up to 64 characters")
            labels = [as_line(label, MAX_WORD) for label in labels] if type(labels) is list else []
        self.report.mapped["labels → labels"] += len(labels)
        return [{"type": "label-added", "label": label} for label in dict.fromkeys(labels) if label]

    def _assignee(self) -> list[Fields]:
        if not is_line(self.left.get("assignee"), MAX_WORD * 2):
            return []
        self.told("assignee → assignee")
        return [{"type": "assignee-changed", "assignee": self.left.pop("assignee")}]

    def _days(self) -> list[Fields]:
        found: list[Fields] = []
        due, until, minutes = self._moment("due_at"), self._moment("defer_until"), self.left.get("estimated_minutes")
        if due is not None:
            found.append({"type": "due-set", "due": due})
        if until is not None or self.record.get("status") == "deferred":
            found.append({"type": "deferred", "until": _FOREVER if until is None else until})
        if type(minutes) is int and 0 <= minutes < 10**7:
            self.told("estimated_minutes → estimate")
            found.append({"type": "estimate-set", "estimate": 60 * self.left.pop("estimated_minutes")})
        return found

    def _moment(self, name: str) -> int | None:
        """Return a field as seconds since 1970; it is kept besides unless it was whole seconds in UTC."""
        text = self.left.get(name)
        try:
            day = datetime.fromisoformat(text)  # type: ignore[arg-type]
            seconds = int((day if day.tzinfo else day.replace(tzinfo=UTC)).timestamp())
        except (TypeError, ValueError, OverflowError):
            return None
        if not 0 <= seconds <= _FOREVER:
            return None
        self.told(f"{name} → {'due' if name == 'due_at' else 'deferred until'}")
        if datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") == text:
            del self.left[name]
        return seconds

    def _criteria(self) -> list[Fields]:
        text = self.left.get("acceptance_criteria")
        items = [_CHECKLIST.fullmatch(line) for line in text.split("\n")] if type(text) is str else [None]
        found = [(item[2], item[1] == "x") for item in items if item]
        if len({words for words, _ in found if is_line(words)}) != len(items):
            return []
        del self.left["acceptance_criteria"]
        self.report.mapped["acceptance_criteria, a checklist → criteria"] += len(found)
        return [{"type": "criterion-added", "text": words} for words, _ in found] + [
            {"type": "criterion-checked", "criterion": words, "checked": True} for words, checked in found if checked
        ]

    def _comments(self) -> list[Fields]:
        comments = self.left.pop("comments", [])
        if type(comments) is not list:
            self.keep("comments", comments, "comments that are no list")
            return []
        found: dict[str, Fields] = {}
        inexact = []
        for number, comment in enumerate(comments):
            note = comment if type(comment) is dict else {}
            body, id = note.get("text"), note.get("id")
            name = str(id) if type(id) is int or is_line(id, 64) else ""
            origin = {"from": NAME, "id": name if name and name not in found else f"#{number}"}
            origin |= {key: note[field] for key, field in _SAID if is_line(note.get(field))}
            exact = set(note) <= _COMMENT and len(origin) == 4 and origin["id"] == name
            if (
                not exact
                or not is_text(body)
                or not str(body).strip()
                or note.get("issue_id", self.record["id"]) != self.record["id"]
            ):
                inexact.append(comment)
            if words := as_text(body).strip() and as_text(body):
                found[origin["id"]] = {"type": "comment-added", "body": words, "imported": origin}
        self.report.mapped["comments → comments"] += len(found)
        if inexact:
            self.keep("comments", inexact, "comments that do not fit")
        return list(found.values())

    def _close_reason(self) -> list[Fields]:
        reason = self.left.pop("close_reason", "")
        if not is_text(reason) or (reason and not reason.strip()):
            self.keep("close_reason", reason, "a close reason that does not fit")
        words = as_text(reason)
        if not words.strip():
            return []
        self.told("close_reason → evidence of kind note")
        closed = {"at": self.record["closed_at"]} if is_line(self.record.get("closed_at")) else {}
        return [{"type": "evidence-added", "kind": "note", "value": words, "imported": self._origin() | closed}]

    def _moved(self) -> list[Fields]:
        status = self.left.pop("status", "open")
        category, exact = STATUSES.get(status, _UNKNOWN) if type(status) is str else _UNKNOWN
        ours = self.workflow.first(category)
        self.told(f"status {as_line(status, MAX_WORD)} → {ours}")
        if not exact:
            self.keep("status", status)
        if category == "todo":
            return []
        origin = self._origin("", "closed_at") if category == "done" else self._origin()
        return [{"type": "status-changed", "to": ours, "category": category, "imported": origin}]

    def _archived(self) -> list[Fields]:
        self.told(f"status {self.left.pop('status')} → archived")
        event: Fields = {"type": "archived", "imported": self._origin("deleted_by", "deleted_at")}
        if is_line(self.left.get("delete_reason")):
            event["reason"] = self.left.pop("delete_reason")
            self.told("delete_reason → reason of archiving")
        return [event]
