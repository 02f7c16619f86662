"""Compare a Beads file with the tracker it was imported into, record by record and field by field.

    python tests/bridges/compare_beads.py FILE REPOSITORY

Written without a look at how the import works: it knows the file's format and the tracker's JSON, and asks of every
field whether the tracker says the same, or holds the very same value in the custom field `beads:<field>`.
"""

import gzip
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from git_tracker.store import IssueStore

Json = Any
Record = dict[str, Json]

STATUS = {
    "open": ("todo", "todo"), "in_progress": ("in-progress", "active"), "hooked": ("in-progress", "active"),
    "closed": ("done", "done"), "blocked": ("todo", "todo"), "deferred": ("todo", "todo"),
}  # fmt: skip
SAYS_ALL = ("open", "in_progress", "closed")
DEPENDENCY = {  # kind: (kind of the link, does it start from the issue depended on)
    "blocks": ("blocks", True), "blocked-by": ("blocks", True), "conditional-blocks": ("blocks", True),
    "parent-child": ("parent", False), "discovered-from": ("discovered-from", False), "duplicates": ("duplicates", False),
    "supersedes": ("supersedes", True),
}  # fmt: skip
EXACT = ("blocks", "parent-child", "discovered-from", "relates-to", "duplicates")


def once(pairs: list[tuple[str, Json]]) -> Record:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a key stands there twice")
    return dict(pairs)


decode = json.JSONDecoder(parse_float=lambda digits: f"float {digits}", object_pairs_hook=once).decode


def records(path: str) -> tuple[dict[str, Record], list[str]]:
    """Return the last record of each id, and the lines that are none."""
    with (gzip.open if path.endswith(".gz") else open)(path, "rb") as file:
        lines = [line for line in file.read().decode("utf-8", "surrogateescape").split("\n") if line.strip()]
    found: dict[str, Record] = {}
    bad = []
    for line in lines:
        try:
            record = decode(line)
            found[record["id"]] = record
        except (ValueError, TypeError, KeyError):
            bad.append(line)
    return found, bad


class Compared:
    """The mismatches of one file: `found` are lines to print, `checked` counts what was looked at."""

    def __init__(self, path: str, store: IssueStore) -> None:
        self.store = store
        self.records, self.bad = records(path)
        self.ids = store.find_imported("beads")
        self.issues = {origin: store.get_issue(id) for origin, id in self.ids.items()}
        self.events = {origin: list(self._history(id)) for origin, id in self.ids.items()}
        self.origins = {
            unwrapped(issue["custom"], "id") if "beads:id" in issue["custom"] else origin: origin
            for origin, issue in self.issues.items()
        }
        self.checked: Counter[str] = Counter()
        self.found: list[str] = []
        for id in {*self.records} ^ {*self.origins}:
            self.found.append(f"{id!r}: only in {'the file' if id in self.records else 'the tracker'}")
        for id, record in self.records.items():
            if id in self.origins:
                self._compare(id, record)

    def _history(self, id: str) -> Iterator[Record]:
        cursor = ""
        while True:
            page = self.store.history(id, limit=500, cursor=cursor)
            yield from page["items"]
            cursor = page["next"]
            if not cursor:
                return

    def _compare(self, id: str, record: Record) -> None:
        origin = self.origins[id]
        issue = self.issues[origin]
        for field, value in record.items():
            if field == "id" or (field in KNOWN and value in (None, "", [])):
                continue
            self.checked[field] += 1
            check: Callable[..., bool] = getattr(self, f"_{field}", self._nowhere)
            if not check(value, record, issue, self.events[origin]) and not self._kept(field, value, issue):
                self.found.append(f"{id!r}: {field} is {value!r:.200}")
        labels = record.get("labels")
        if isinstance(labels, list) and len(issue["labels"]) > len(set(labels)):
            self.found.append(f"{id!r}: more labels than in the file")
        if len(issue["comments"]) > len(record.get("comments") or ()):
            self.found.append(f"{id!r}: more comments than in the file")
        if issue["quarantined"] or not issue["imported"]:
            self.found.append(f"{id!r}: quarantined, or not shown as imported")

    def _kept(self, field: str, value: Json, issue: Record) -> bool:
        custom = issue["custom"]
        if f"beads:{field}" in custom and unwrapped(custom, field) == value:
            return True
        other = unwrapped(custom, "other") if "beads:other" in custom else {}
        return field in other and bool(other[field] == value)

    def _nowhere(self, value: Json, record: Record, issue: Record, events: list[Record]) -> bool:
        return False

    def _title(self, value: Json, record: Record, issue: Record, events: list[Record]) -> bool:
        return bool(issue["title"] == value)

    def _description(self, value: Json, record: Record, issue: Record, events: list[Record]) -> bool:
        return bool(issue["description"] == value)

    def _priority(self, value: Json, record: Record, issue: Record, events: list[Record]) -> bool:
        return bool(issue["priority"] == value)

    def _status(self, value: Json, record: Record, issue: Record, events: list[Record]) -> bool:
        if value == "tombstone":
            return bool(issue["archived"]) and any(event["type"] == "archived" for event in events)
        ours = STATUS.get(value, ("todo", "todo")) if isinstance(value, str) else ("todo", "todo")
        if (issue["status"], issue["category"]) != ours or issue["archived"]:
            self.found.append(f"{record['id']!r}: status {value!r} became {issue['status']}")
        return value in SAYS_ALL

    def _issue_type(self, value: Json, record: Record, issue: Record, events: list[Record]) -> bool:
        return bool(issue["type"] == value)

    _original_type = _issue_type

    def _assignee(self, value: Json, record: Record, issue: Record, events: list[Record]) -> bool:
        return bool(issue["assignee"] == value)

    def _created_at(self, value: Json, record: Record, issue: Record, events: list[Record]) -> bool:
        return bool(issue["imported"].get("at") == value)

    def _created_by(self, value: Json, record: Record, issue: Record, events: list[Record]) -> bool:
        return bool(issue["imported"].get("by") == value)

    def _closed_at(self, value: Json, record: Record, issue: Record, events: list[Record]) -> bool:
        return any(
            event["type"] == "status-changed" and event["to"] == "done" and event["imported"].get("at") == value
            for event in events
        )

    def _close_reason(self, value: Json, record: Record, issue: Record, events: list[Record]) -> bool:
        return any(item["kind"] == "note" and item["value"] == value for item in issue["evidence"])

    def _deleted_at(self, value: Json, record: Record, issue: Record, events: list[Record]) -> bool:
        return any(event["type"] == "archived" and event["imported"].get("at") == value for event in events)

    def _deleted_by(self, value: Json, record: Record, issue: Record, events: list[Record]) -> bool:
        return any(event["type"] == "archived" and event["imported"].get("by") == value for event in events)

    def _delete_reason(self, value: Json, record: Record, issue: Record, events: list[Record]) -> bool:
        return any(event["type"] == "archived" and event["reason"] == value for event in events)

    def _labels(self, value: Json, record: Record, issue: Record, events: list[Record]) -> bool:
        return isinstance(value, list) and sorted(value, key=str) == issue["labels"]

    def _acceptance_criteria(self, value: Json, record: Record, issue: Record, events: list[Record]) -> bool:
        lines = [f"- [{'x' if item['checked'] else ' '}] {item['text']}" for item in issue["criteria"]]
        return bool(lines) and "\n".join(lines) == value

    def _estimated_minutes(self, value: Json, record: Record, issue: Record, events: list[Record]) -> bool:
        return bool(issue["estimate"] == 60 * value)

    def _due_at(self, value: Json, record: Record, issue: Record, events: list[Record]) -> bool:
        return bool(issue["due"] == value)

    def _defer_until(self, value: Json, record: Record, issue: Record, events: list[Record]) -> bool:
        return bool(issue["deferred_until"] == value)

    def _comments(self, value: Json, record: Record, issue: Record, events: list[Record]) -> bool:
        if not isinstance(value, list):
            return False
        kept = unwrapped(issue["custom"], "comments") if "beads:comments" in issue["custom"] else []
        here = [
            (note["imported"]["id"], note["imported"].get("by"), note["body"], note["imported"].get("at"))
            for note in issue["comments"]
        ]
        return all(
            note in kept or (str(note["id"]), note["author"], note["text"], note["created_at"]) in here
            for note in value
        )

    def _dependencies(self, value: Json, record: Record, issue: Record, events: list[Record]) -> bool:
        if not isinstance(value, list):
            return False
        kept = unwrapped(issue["custom"], "dependencies") if "beads:dependencies" in issue["custom"] else []
        said = [self._dependency(item, record, kept) for item in value]
        return all(said)

    def _dependency(self, item: Record, record: Record, kept: list[Json]) -> bool:
        self.checked[f"dependency {item['type']}"] += 1
        kind, mirrored = DEPENDENCY.get(item["type"], ("relates", False))
        own, other = record["id"], item["depends_on_id"]
        if other not in self.records or other == own:
            return item in kept
        holder, target = (other, own) if mirrored else (own, other)
        parents = [event for event in self._links(own) if event["kind"] == "parent"]
        if kind == "parent" and all(event["other"] != self.ids[self.origins[other]] for event in parents):
            kind = "relates"
        said = [
            event["imported"]
            for event in self._links(holder)
            if event["kind"] == kind and event["other"] == self.ids[self.origins[target]]
        ]
        if not said:
            self.found.append(f"{own!r}: no link for {item!r:.200}")
        whole = {"from": "beads", "id": self.origins[own], "by": item["created_by"], "at": item["created_at"]}
        exact = (item["type"] in EXACT and kind != "relates") or item["type"] == "relates-to"
        return (exact and len(item) == 5 and whole in said) or item in kept

    def _links(self, id: str) -> list[Record]:
        return [event for event in self.events[self.origins[id]] if event["type"] == "link-added"]


KNOWN = {name[1:] for name in vars(Compared) if name.startswith("_")} | set(
    "updated_at owner notes design external_ref".split()
)


def unwrapped(custom: Record, field: str) -> Json:
    """Return what a custom field carries: the value, or JSON of it as text, in parts if it is long."""
    value = custom[f"beads:{field}"]
    if isinstance(value, dict) and value.keys() == {"json"}:
        return decode(value["json"])
    if isinstance(value, dict) and value.keys() == {"json_parts"}:
        return decode("".join(custom[f"beads:{field}#{n}"] for n in range(1, value["json_parts"] + 1)))
    return value


def main(path: str, repository: str) -> int:
    store = IssueStore.open(repository)
    compared = Compared(path, store)
    for line in compared.found:
        print(line)
    for field, count in compared.checked.most_common():
        print(f"{count:7} {field!r}")
    print(f"{len(compared.records)} records, {len(compared.bad)} unreadable lines, {len(compared.found)} mismatches")
    return 1 if compared.found else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
