"""Random histories of one issue by several writers whose clocks disagree, and a second, naive reading of them."""

import hashlib
import json
import random
from collections.abc import Iterable, Sequence
from typing import Any

from git_tracker.errors import Invalid, Refused
from git_tracker.store import fold, text
from git_tracker.store.fold import Record
from git_tracker.store.state import State

Event = dict[str, Any]
ROOT_MS = 1_000_000


def record(parents: Iterable[str], hlc: tuple[int, int], actor: str, events: Sequence[Event], **more: Any) -> Record:
    found = tuple(sorted(parents))
    digest = hashlib.sha256(json.dumps([found, hlc, actor, events]).encode()).hexdigest()
    return Record(digest[:40], found, hlc, actor, hlc[0] // 1000, more.pop("under", ""), events, digest[:32], **more)


def root() -> Record:
    created = {"type": "created", "nonce": "00" * 16, "title": "A leak", "description": "hello world"}
    return record((), (ROOT_MS, 0), "ada", [created, {"type": "label-added", "label": "x"}])


def snapshot(state: State) -> dict[str, Any]:
    """Everything a state says, comparable."""
    kept = json.loads(json.dumps(state.to_json()))
    return kept | {"comments": dict(sorted(state.comments.items())), "rejections": sorted(map(str, state.rejections))}


class Writer:
    """Somebody with a clone of their own, who writes what an honest client would."""

    def __init__(self, name: str, skew: int, dice: random.Random) -> None:
        self.name, self.skew, self.dice = name, skew, dice
        self.known: dict[str, Record] = {}

    def learn(self, records: Iterable[Record]) -> None:
        """Take what is new, as far as its parents are known."""
        waiting = [record for record in records if record.id not in self.known]
        while ready := [record for record in waiting if all(parent in self.known for parent in record.parents)]:
            self.known |= {record.id: record for record in ready}
            waiting = [record for record in waiting if record.id not in self.known]

    def view(self) -> State:
        return fold.fold(self.known.values())

    def write(self, now: int, events: Sequence[Event] = ()) -> Record | None:
        """Write an entry on all heads; None if the rules refuse it."""
        state = self.view()
        events = events or something(self.dice, state)
        last = max(self.known[head].hlc for head in state.heads)
        wall = max(now + self.skew, 0)
        hlc = (wall, 0) if wall > last[0] else (last[0], last[1] + 1)
        held = state.claim(hlc[0])
        under = held.entry if held and held.actor == self.name else ""
        made = record(state.heads, hlc, self.name, events, under=under)
        try:
            fold.check(state, made, lambda _: True)
        except (Refused, Invalid):
            return None
        self.known[made.id] = made
        return made


def edit(dice: random.Random, old: str) -> list[int | str]:
    """A change of a text as a client would find it, or an operation of its own making that fits."""
    words = list(old)
    for _ in range(dice.randint(1, 3)):
        at = dice.randint(0, len(words))
        if dice.random() < 0.6 or at == len(words):
            words[at:at] = dice.choice("abcdé") * dice.randint(1, 3)
        else:
            del words[at : at + dice.randint(1, 4)]
    return text.difference(old, "".join(words)) or ["z"]


def something(dice: random.Random, state: State) -> list[Event]:
    """One to two events that somebody who sees `state` might record."""
    found = [one(dice, state) for _ in range(1 if dice.random() < 0.8 else 2)]
    return found[:1] if len([event for event in found if "operations" in event]) == 2 else found


def one(dice: random.Random, state: State) -> Event:
    comments, criteria = list(state.comments), list(state.criteria)
    match dice.randrange(16):
        case 0 | 1 | 2:
            return {"type": "description-edited", "operations": edit(dice, state.text("description"))}
        case 3:
            return {"type": "title-changed", "title": dice.choice(["A drip", "A flood", "Dry"])}
        case 4:
            to, category = dice.choice([("todo", "todo"), ("in-progress", "active"), ("done", "done")])
            return {"type": "status-changed", "to": to, "category": category}
        case 5:
            return {"type": "assignee-changed", "assignee": dice.choice(["ada", "bob", None])}
        case 6 | 7:
            return {"type": dice.choice(["label-added", "label-removed"]), "label": dice.choice("xyz")}
        case 8:
            return {
                "type": dice.choice(["link-added", "link-removed"]),
                "kind": "relates",
                "issue": dice.choice("ab") * 40,
            }
        case 9:
            return {"type": "comment-added", "body": f"seen {dice.randint(0, 9)}"}
        case 10 if comments:
            part = dice.choice(comments)
            return {"type": "comment-edited", "comment": part, "operations": edit(dice, state.text(part))}
        case 11 if comments:
            return {"type": "comment-redacted", "comment": dice.choice(comments)}
        case 12:
            return {"type": "claimed", "lease": dice.choice([1, 60]), "cap": 3600}
        case 13 if state.claims:
            return {"type": "claim-released", "claim": state.claims[-1]["entry"]}
        case 14 if criteria:
            return {"type": "criterion-checked", "criterion": dice.choice(criteria), "checked": dice.random() < 0.7}
        case 14:
            return {"type": "criterion-added", "text": "it is dry"}
        case 15:
            return dice.choice([
                {"type": "evidence-added", "kind": "test", "value": "passed"},
                {"type": "time-logged", "seconds": 60},
                {"type": "custom", "name": "severity", "value": {"level": dice.randint(1, 3)}},
                {"type": "conflict-resolved", "field": "title", "value": "Settled"},
                {"type": "teleported", "to": "Mars"},
                {"type": "archived"}, {"type": "unarchived"},
                {"type": "priority-changed", "priority": dice.randint(0, 4)},
            ])  # fmt: skip
    return {"type": "comment-added", "body": "hello"}


def history(dice: random.Random, writers: int, steps: int) -> list[Record]:
    """A history, root first, in an order in which it could have been written."""
    people = [Writer(f"w{number}", dice.choice([-50_000, 0, 0, 3_000, 10**9]), dice) for number in range(writers)]
    made = [root()]
    for writer in people:
        writer.learn(made)
    now = ROOT_MS + 1
    for _ in range(steps):
        now += dice.choice([0, 1, 50, 3_000])
        writer = dice.choice(people)
        if dice.random() < 0.35:
            writer.learn(dice.choice(people).known.values())
        elif found := writer.write(now):
            made.append(found)
    return made


def hostile(dice: random.Random, made: Sequence[Record]) -> list[Record]:
    """The same history with entries among it that honest clients do not write, as the log would hand them on."""
    found = list(made)
    for _ in range(6):
        parents = [record.id for record in dice.sample(found, min(len(found), dice.randint(1, 3)))]
        by_id = {record.id: record for record in found}
        ms, count = max(by_id[parent].hlc for parent in parents)
        hlc = (ms, count + 1 + dice.randint(0, 3))
        junk: list[list[Event]] = [
            [{"type": "description-edited", "operations": [10**6, "x"]}],
            [{"type": "description-edited", "operations": [1, 2, "", 0]}],
            [{"type": "description-edited", "operations": ["far ", 3, "along"]}],
            [{"type": "created", "nonce": "11" * 16, "title": "again"}],
            [{"type": "label-added", "label": "evil"}, {"type": "created", "nonce": "11" * 16, "title": "again"}],
            [{"type": "comment-edited", "comment": f"{'f' * 40}.0", "operations": ["x"]}],
            [{"type": "comment-redacted", "comment": f"{dice.choice(found).id}.0"}],
            [{"type": "claim-released", "claim": "f" * 40}],
            [{"type": "conflict-resolved", "field": "deferred", "value": "never"}],
            [{"type": "conflict-resolved", "field": "category", "value": {"a": 1}}],
            [{"type": "conflict-resolved", "field": "description", "value": [10**6, "x"]}],
            [{"type": "conflict-resolved", "field": "description", "value": "words"}],
            [{"type": "conflict-resolved", "field": "description", "value": []}],
            [{"type": "conflict-resolved", "field": f"comment:{dice.choice(found).id}.0", "value": []}],
            [{"type": "conflict-resolved", "field": ["description"], "value": []}],
            [{"type": "status-changed", "to": ["list"]}],
            [{"type": "comment-added", "body": "fine"}],
            [{"type": "claimed", "lease": 10**9, "cap": 10**9}],
        ]
        more = {"under": dice.choice(["", dice.choice(found).id, "f" * 40])}
        bad = record(parents, hlc, dice.choice(["w0", "eve"]), dice.choice(junk), **more)
        found.append(bad)
        if dice.random() < 0.4:  # the same payload once more, under another id
            twin = bad._replace(id=hashlib.sha1(bad.id.encode()).hexdigest())
            found.append(twin)
            if dice.random() < 0.5:
                found.append(record([twin.id], (ms, count + 9), "w1", [{"type": "comment-added", "body": "on a twin"}]))
    muted = {record.id for record in dice.sample(found[1:], min(3, len(found) - 1))}
    torn = {record.id for record in dice.sample(found[1:], min(2, len(found) - 1))}
    return list(
        {record.id: record._replace(muted=record.id in muted, uprooted=record.id in torn) for record in found}.values()
    )


def shuffled(dice: random.Random, records: Sequence[Record]) -> list[Record]:
    """Any order, some of it twice."""
    found = [*records, *dice.choices(records, k=3)]
    dice.shuffle(found)
    return found


def causal(dice: random.Random, records: Sequence[Record]) -> list[Record]:
    """Any order in which parents come first."""
    left, found, have = list({record.id: record for record in records}.values()), [], set[str]()
    ids = {record.id for record in left}
    while left:
        ready = [record for record in left if all(parent in have or parent not in ids for parent in record.parents)]
        chosen = dice.choice(ready)
        found.append(chosen)
        have.add(chosen.id)
        left.remove(chosen)
    return found


def step_by_step(records: Sequence[Record]) -> State:
    """The state as the index comes to it: extended where it can be, folded anew where not, stored in between."""
    known: dict[str, Record] = {}
    state: State | None = None
    for one in records:
        if one.id in known:
            continue
        known[one.id] = one
        if state is not None:
            rejections = state.rejections
            state = State.from_json(json.loads(json.dumps(state.to_json())), state.comments)
            state.rejections = rejections
        if state is None or not fold.advance(state, one):
            state = fold.fold(known.values())
    assert state is not None
    return state


def ancestors(records: Iterable[Record]) -> dict[str, set[str]]:
    """Each entry's whole past, itself included, the slow way."""
    by_id = {record.id: record for record in records}
    found: dict[str, set[str]] = {}
    for record in sorted(by_id.values(), key=lambda record: (record.hlc, record.id)):
        found[record.id] = {record.id}.union(*(found[parent] for parent in record.parents if parent in found))
    return found


REGISTERS = {
    "title-changed": ("title", "title"), "assignee-changed": ("assignee", "assignee"),
    "priority-changed": ("priority", "priority"), "status-changed": ("status", "to"),
}  # fmt: skip


def naive(records: Sequence[Record], rejected: set[str]) -> dict[str, Any]:
    """Registers, sets and comments by their definition, comparing everything with everything."""
    past = ancestors(records)
    counted = [record for record in records if record.id not in rejected and not record.muted]
    order = {record.id: (*record.hlc, record.id) for record in counted}
    writes: dict[str, dict[str, Any]] = {}
    adds: dict[tuple[str, str], set[str]] = {}
    removes: dict[tuple[str, str], set[str]] = {}
    comments: dict[str, bool] = {}
    for record in counted:
        last: dict[tuple[str, str], str] = {}
        for position, event in enumerate(record.events):
            kind = event["type"]
            if kind == "created":
                defaults = {"title": event["title"], "status": "todo", "priority": 2}
                for field, value in defaults.items():
                    writes.setdefault(field, {})[record.id] = event.get(field, value)
            elif kind in REGISTERS:
                field, name = REGISTERS[kind]
                writes.setdefault(field, {})[record.id] = event[name]
            elif kind == "conflict-resolved" and event["field"] != "description" and ":" not in event["field"]:
                writes.setdefault(event["field"], {})[record.id] = event["value"]
            elif kind.startswith(("label-", "link-")):
                name = "labels" if kind.startswith("label") else "links"
                element = event["label"] if name == "labels" else f"{event['kind']} {event['issue']}"
                last[name, element] = kind.rpartition("-")[2]
            elif kind == "comment-added":
                comments.setdefault(f"{record.id}.{position}", False)
        for key, way in last.items():
            (adds if way == "added" else removes).setdefault(key, set()).add(record.id)
    for record in counted:
        for event in record.events:
            if event["type"] == "comment-redacted":
                comments[event["comment"]] = True
    present: dict[str, set[str]] = {"labels": set(), "links": set()}
    for key, added in adds.items():
        if any(not any(add in past[gone] for gone in removes.get(key, ())) for add in added):
            present[key[0]].add(key[1])
    maximal = {
        field: {
            id: value for id, value in found.items() if not any(id in past[other] for other in found if other != id)
        }
        for field, found in writes.items()
    }
    return {
        "values": {field: found[max(found, key=order.__getitem__)] for field, found in maximal.items()},
        "writers": {field: set(found) for field, found in maximal.items()},
        "labels": present["labels"], "links": present["links"], "comments": comments,
    }  # fmt: skip


def reading(state: State) -> dict[str, Any]:
    """What `naive` says, taken from a folded state."""
    fields = ("title", "status", "assignee", "priority")
    registers = {field: writes for field, writes in state.registers.items() if field in fields}
    return {
        "values": {field: state.value(field) for field in registers},
        "writers": {field: {write[0] for write in writes} for field, writes in registers.items()},
        "labels": set(state.sets.get("labels", ())), "links": set(state.sets.get("links", ())),
        "comments": {part: note["redacted"] for part, note in state.comments.items()},
    }  # fmt: skip
