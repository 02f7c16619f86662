"""What real issues look like, as quantiles: `python bench/quantiles.py ISSUES.jsonl[.gz] > bench/quantiles.json`.

Reads Beads' JSONL. Deleted records are left out: a project's automatic digests would hide what people and agents write.
"""

import gzip
import json
import sys
from collections.abc import Iterable
from typing import Any

STEPS = 40  # quantiles 0, 1/40, …, 1; linear between them


def quantiles(values: Iterable[int]) -> list[int]:
    ordered = sorted(values)
    return [ordered[round(step / STEPS * (len(ordered) - 1))] for step in range(STEPS + 1)]


def measured(records: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the quantiles of text lengths in characters, and the shares of types and priorities."""
    kept = [record for record in records if record.get("status") != "tombstone"]
    notes = [comment["text"] for record in kept for comment in record.get("comments") or ()]
    notes += [record["notes"] for record in kept if record.get("notes")]
    words = [word for record in kept for word in f"{record['title']} {record.get('description') or ''}".split()]
    return {
        "records": len(kept),
        "title": quantiles(len(record["title"]) for record in kept),
        "description": quantiles(len(record.get("description") or "") for record in kept),
        "comment": quantiles(len(note) for note in notes),
        "summary": quantiles(len(record["close_reason"]) for record in kept if record.get("close_reason")),
        "word": quantiles(min(len(word), 20) for word in words),
        "labels": quantiles(len(record.get("labels") or ()) for record in kept),
        "priority": quantiles(record["priority"] for record in kept),
    }


def main(path: str) -> None:
    opened = gzip.open if path.endswith(".gz") else open
    with opened(path, "rt", encoding="utf-8") as file:
        found = measured([json.loads(line) for line in file if line.strip()])
    lines = (f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in found.items())
    print("{\n" + ",\n".join(lines) + "\n}")


if __name__ == "__main__":
    main(sys.argv[1])
