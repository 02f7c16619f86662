"""What a tracker holds, without what differs from one import to the next: ids and the times of writing."""

import json
from typing import Any

from git_tracker.store import IssueStore

Json = Any

CHANCE = {"id", "short", "heads", "created_at", "updated_at", "closed_at", "at", "entry", "cursor"}


def snapshot(store: IssueStore, source: str = "beads") -> dict[str, Json]:
    """Return every imported issue by its id at the source, with all its events, ids replaced by those of the source."""
    ids = store.find_imported(source)
    found = {}
    for origin, id in ids.items():
        events = sorted(
            json.dumps({name: event.get(name) for name in ("type", "imported", "summary", "verdict", "reason")})
            for event in store.history(id, limit=500)["items"]
            if not event["type"].startswith("link-")  # their summaries hold ids
        )
        found[origin] = {"issue": _cleared(store.get_issue(id)), "events": events}
    text = json.dumps(found)
    for origin, id in ids.items():
        text = text.replace(json.dumps(id), json.dumps(f"the issue of {origin}"))
    result: dict[str, Json] = json.loads(text)
    for item in result.values():
        item["issue"]["links"].sort(key=json.dumps)
    return result


def cursor(store: IssueStore) -> Json:
    """Return where the event feed stands: it moves with every write."""
    return store.health()["cursor"]


def _cleared(value: Json) -> Json:
    if isinstance(value, dict):
        return {name: _cleared(item) for name, item in value.items() if name not in CHANCE}
    return [_cleared(item) for item in value] if isinstance(value, list) else value
