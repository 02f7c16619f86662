"""Carrying issues over from another tracker: in batches, resumable, and a second time without a trace.

Links need ids that exist only once the root entries are written, so there are two passes. Each batch is one write of
the store, all or none; what an interrupted import left undone is simply a difference that the next one finds.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from git_tracker.bridges.facts import Fact, Fields, Key, changes, facts
from git_tracker.bridges.report import Report
from git_tracker.store import EVENTS, Event, IssueStore, Signer, Writing, difference

Progress = Callable[[int, int], None]

BATCH = 200  # issues in one write: short enough for other writers not to notice
_EVENTS = 250  # in one entry; the format allows a few more
_BYTES = 400_000  # of JSON in one entry, as are these
_LATER = ("criterion-checked",)  # names what only an entry that is already there can hold

T = TypeVar("T")


class Source(NamedTuple):
    """What a file says of each issue, by its id there: the events of its life, and the links it holds.

    The first event of an issue is `created`, without its nonce. A link's `issue` is an id of the source, too;
    `criterion-checked` names its criterion by its text.
    """

    name: str
    records: dict[str, list[Fields]]
    links: dict[str, list[Fields]]


def carry(store: IssueStore, by: Signer, source: Source, progress: Progress, report: Report) -> None:
    """Bring the tracker to what the source says, and count into the report. With its `dry_run` nothing is written."""
    if not report.dry_run:
        store.import_entries(by, lambda writing: [])  # any write first completes what one that died had begun
    ids = store.find_imported(source.name)
    fresh = [origin for origin in source.records if origin not in ids]
    done, total = 0, len(fresh) + len(source.links)
    for batch in _batches(fresh):
        if report.dry_run:
            ids.update((origin, f"#{origin}") for origin in batch)
            continue
        made = store.import_entries(by, lambda writing, batch=batch: _create(writing, source, batch))  # type: ignore[misc]
        ids.update(zip(batch, made, strict=True))
        done += len(batch)
        progress(done, total)
    differing = _differing(source, ids, _said(store, source.name))
    if not report.dry_run:
        done, total = len(fresh), len(fresh) + len(differing)
        for pairs in _batches([(ids[origin], found) for origin, found in differing.items()]):
            store.import_entries(by, lambda writing, pairs=pairs: _amend(writing, pairs))  # type: ignore[misc]
            done += len(pairs)
            progress(done, total)
    report.created = len(fresh)
    report.updated = len((differing.keys() & source.records.keys()) - {*fresh})
    report.unchanged = len(source.records) - report.created - report.updated


def _batches(items: Sequence[T]) -> Iterator[Sequence[T]]:
    return (items[start : start + BATCH] for start in range(0, len(items), BATCH))


def _create(writing: Writing, source: Source, origins: Iterable[str]) -> list[str]:
    """Write issues that are not here yet; somebody else's import may have been faster."""
    made = []
    for origin in origins:
        id = writing.find_imported(source.name, origin)
        if id is None:
            first, *rest = portions([fields for fields in source.records[origin] if fields["type"] not in _LATER])
            first[0] = first[0] | {"nonce": writing.context.nonce()}
            id = writing.root([event(fields) for fields in first])
            for portion in rest:
                writing.change(id, lambda state, context, portion=portion: [event(fields) for fields in portion])  # type: ignore[misc]
        made.append(id)
    return made


def _amend(writing: Writing, pairs: Iterable[tuple[str, list[Fields]]]) -> list[str]:
    for id, found in pairs:
        for portion in portions(found):
            writing.change(id, lambda state, context, portion=portion: _applied(portion, state))  # type: ignore[misc]
    return [id for id, _ in pairs]


def _said(store: IssueStore, name: str) -> dict[str, dict[Key, Fact]]:
    told: dict[str, list[tuple[str, Fields]]] = {}
    for item in store.told(name):
        told.setdefault(item.issue, []).append((item.part, {"type": item.type, **item.fields}))
    return {issue: facts(events) for issue, events in told.items()}


def _differing(
    source: Source, ids: Mapping[str, str], said: Mapping[str, Mapping[Key, Fact]]
) -> dict[str, list[Fields]]:
    """Return, for each issue that the tracker has otherwise than the source says, the events that mend it."""
    speakers, found = {*source.records}, {}
    for origin, id in ids.items():
        before = said.get(id, {})
        links = [link | {"issue": ids[link["issue"]]} for link in source.links.get(origin, ()) if link["issue"] in ids]
        linked = facts(("", link) for link in links)
        if origin in source.records:
            wanted = facts(("", fields) for fields in source.records[origin]) | linked
        else:  # only others' links are told of it
            told_anew = {key for key, fact in before.items() if key[0] == "link" and fact.value[0] in speakers}
            wanted = {key: fact for key, fact in before.items() if key not in told_anew} | linked
        mending = changes(wanted, before, {"from": source.name, "id": origin}, speakers)
        if mending and id.startswith("#"):
            continue  # a dry run: it will be created with all this
        if mending:
            found[origin] = mending
    return found


def portions(events: Iterable[Fields]) -> list[list[Fields]]:
    """Cut events into as few entries as the format allows."""
    found: list[list[Fields]] = [[]]
    size = 0
    for event in events:
        more = len(json.dumps(event, ensure_ascii=False).encode())
        if found[-1] and (size + more > _BYTES or len(found[-1]) == _EVENTS):
            found.append([])
            size = 0
        found[-1].append(event)
        size += more
    return found


def _applied(portion: Iterable[Fields], state: Any) -> list[Event]:
    """Return the events, with operations in place of whole texts; nothing where the text is so already."""
    found = []
    for fields in portion:
        if "text" in fields and fields["type"] in ("description-edited", "comment-edited"):
            operations = difference(state.text(fields.get("comment", "description")), fields["text"])
            if not operations:
                continue
            fields = {name: value for name, value in fields.items() if name != "text"} | {"operations": operations}
        if not _stands(fields, state):
            found.append(event(fields))
    return found


def _stands(fields: Fields, state: Any) -> bool:
    """Return whether the issue says so already: another import may have been faster, or somebody here."""
    if fields["type"] == "link-added":
        return f"{fields['kind']} {fields['issue']}" in state.sets.get("links", ())
    if fields["type"] == "label-added":
        return fields["label"] in state.sets.get("labels", ())
    if fields["type"] == "comment-added":
        return any(note["imported"] == fields["imported"] for note in state.comments.values())
    return False


def event(fields: Fields) -> Event:
    """Return the event behind its JSON; raise `Invalid` where the shape is wrong."""
    return EVENTS[fields["type"]].decode(fields)
