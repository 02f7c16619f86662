"""What bridges ask of the index: which issues came from elsewhere, and what imports have said about them."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from git_tracker.store.index.read import OWN
from git_tracker.store.index.schema import Db

Json = Any


class Told(NamedTuple):
    """One event that an import recorded: of which issue, as which part, and its fields.

    An edit of a text also has the field `text`: what it made of the description or the comment at the time.
    """

    issue: str
    part: str
    type: str
    fields: dict[str, Json]


def origins(db: Db, source: str) -> dict[str, str]:
    """Return the id of each issue that came from `source`, by its id there. Of doubles the oldest counts."""
    rows = db.execute(
        "select origin, id from issues where origin >= ? and origin < ? order by created desc, id desc",
        (f"{source}:", f"{source};"),
    )
    return {row[0].partition(":")[2]: row[1] for row in rows}


def origin(db: Db, source: str, id: str) -> str | None:
    """Return the issue that stands for one of `source`, or None."""
    row = db.execute("select id from issues where origin = ? order by created, id", (f"{source}:{id}",)).fetchone()
    return str(row[0]) if row else None


def told(db: Db, source: str) -> Iterator[Told]:
    """Yield what imports from `source` recorded on the issues that came from there, oldest first."""
    from git_tracker.store import text  # only here: readers of the index do without

    rows = db.execute(
        "select issues.id, entries.id, events.position, events.type, events.body from issues"
        f" cross join entries on entries.issue = issues.key cross join events on {OWN}"
        " where issues.origin >= ? and issues.origin < ? and entries.verdict = 'ok' and entries.reason = ''"
        " order by events.seq",
        (f"{source}:", f"{source};"),
    )
    texts: dict[tuple[str, str], str | None] = {}
    for issue, entry, position, kind, body in rows:
        fields, part = json.loads(body), f"{entry}.{position}"
        if kind == "created":
            texts[issue, ""] = fields.get("description", "")
        elif kind == "comment-added":
            texts[issue, part] = fields["body"]
        elif kind in ("description-edited", "comment-edited"):
            document = (issue, fields.get("comment", ""))
            old = texts.get(document)
            fields["text"] = texts[document] = None if old is None else text.apply(old, fields["operations"])
        if (fields.get("imported") or {}).get("from") == source:
            yield Told(issue, part, kind, fields)


def every(db: Db) -> list[str]:
    """Return the ids of all issues that can be read, archived ones included, oldest first."""
    return [row[0] for row in db.execute("select id from issues where archived < 2 order by key")]
