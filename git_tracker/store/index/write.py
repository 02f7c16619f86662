"""Putting folded issues into the index. Called inside the transaction of the store's one write path."""

import json
from collections.abc import Iterable, Iterator, MutableMapping
from typing import Any

from git_tracker.store import events
from git_tracker.store.fold import Record, State
from git_tracker.store.index.schema import Db
from git_tracker.store.trust import About, Admission
from git_tracker.store.workflow import Workflow

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

TRUST = 0  # stands for the trust log where an entry names the key of its issue
HIDDEN = 2  # in the column `archived`

COLUMNS = (
    "tip", "seq", "title", "status", "category", "type", "priority", "assignee", "author", "person", "created",
    "updated", "closed", "parent", "milestone", "due", "deferred", "archived", "claim_actor", "claim_until",
    "claim_entry", "comments", "conflicted", "origin", "quarantined", "state",
)  # fmt: skip


class Comments(MutableMapping[str, dict[str, Any]]):
    """The comments of one issue, read when asked for and written back by `flush`: an append loads none of them."""

    def __init__(self, db: Db, issue: int) -> None:
        self._db, self._issue = db, issue
        self._changed: dict[str, dict[str, Any]] = {}

    def __getitem__(self, part: str) -> dict[str, Any]:
        if part in self._changed:
            return self._changed[part]
        row = self._db.execute("select body from comments where issue = ? and part = ?", (self._issue, part)).fetchone()
        if row is None:
            raise KeyError(part)
        note: dict[str, Any] = json.loads(row[0])
        return note

    def __setitem__(self, part: str, note: dict[str, Any]) -> None:
        self._changed[part] = note

    def __delitem__(self, part: str) -> None:
        raise TypeError("comments are redacted, never removed")

    def __iter__(self) -> Iterator[str]:
        rows = self._db.execute("select part from comments where issue = ?", (self._issue,)).fetchall()
        stored = [str(row[0]) for row in rows]
        yield from stored
        yield from (part for part in self._changed if part not in stored)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    @property
    def changed(self) -> dict[str, dict[str, Any]]:
        return self._changed


def state(db: Db, key: int) -> State:
    """Return the stored state of an issue, with its comments behind it."""
    row = db.execute("select state from issues where key = ?", (key,)).fetchone()
    return State.from_json(json.loads(row[0]), Comments(db, key))  # type: ignore[arg-type]


def key_of(db: Db, id: str) -> int | None:
    row = db.execute("select key from issues where id = ?", (id,)).fetchone()
    return int(row[0]) if row else None


def reserve(db: Db, id: str) -> int:
    """Return the key of an issue, making room for a new one."""
    key = key_of(db, id)
    if key is None:
        blank: dict[str, Any] = dict.fromkeys(COLUMNS, "") | {"id": id}
        blank |= dict.fromkeys(("seq", "priority", "created", "updated", "archived", "comments", "conflicted"), 0)
        names = ", ".join(blank)
        marks = ", ".join("?" * len(blank))
        key = int(db.execute(f"insert into issues ({names}) values ({marks})", [*blank.values()]).lastrowid or 0)
    return key


def add_entries(db: Db, found: Iterable[tuple[int, Admission]]) -> int:
    """Number entries (with the key of their issue) and their events in the order given; return the last number."""
    seq = last_seq(db)
    for key, admission in found:
        record, envelope = admission.record, admission.entry.envelope if admission.entry else None
        number = db.execute(
            "insert into entries (issue, id, actor, at, ms, count, parents, digest, under, chain, n, prev, issuer, rk,"
            " verdict, reason) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                key, record.id, record.actor, record.at, *record.hlc, " ".join(record.parents), record.digest,
                record.under, admission.chain, envelope.n if envelope else 0, envelope.prev if envelope else None,
                admission.issuer, envelope.rk if envelope else "", admission.verdict, admission.reason,
            ),
        ).lastrowid  # fmt: skip
        if admission.actor:
            db.execute("insert or ignore into actors values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", admission.actor)
        if key == TRUST:
            continue
        for position, event in enumerate(record.events or ({"type": "quarantined"},)):
            seq += 1
            body = _encode({name: value for name, value in event.items() if name != "type"})
            db.execute(
                "insert into events values (?, ?, ?, ?, ?, ?, ?)",
                (seq, number, key, position, event["type"], body, events.summary(event)),
            )
    return seq


def last_seq(db: Db) -> int:
    return int(db.execute("select coalesce(max(seq), 0) from events").fetchone()[0])


def records(db: Db, key: int) -> list[Record]:
    """Return what the fold needs of every admitted entry of an issue.

    Raw parents become effective ones here: an edge to a quarantined parent is ignored.
    """
    rows = db.execute("select * from entries where issue = ? order by number", (key,)).fetchall()
    kept = {row["id"]: row for row in rows if row["verdict"] in ("ok", "muted")}
    root = db.execute("select id from issues where key = ?", (key,)).fetchone()[0]
    found = []
    for id, row in kept.items():
        raw = tuple(row["parents"].split())
        parents = tuple(parent for parent in raw if parent in kept)
        found.append(
            Record(
                id, parents or ((root,) if id != root else ()), (row["ms"], row["count"]), row["actor"], row["at"],
                row["under"], events_of(db, row["number"]), row["digest"], row["verdict"] == "muted", len(parents) < len(raw),
            )
        )  # fmt: skip
    return found


def events_of(db: Db, number: int) -> list[dict[str, Any]]:
    """Return the events of an entry as they were recorded."""
    rows = db.execute("select type, body from events where entry = ? order by position", (number,))
    return [{"type": row[0], **json.loads(row[1])} for row in rows]


def put_issue(db: Db, key: int, tip: str, folded: State, seq: int, workflow: Workflow) -> None:
    """Write an issue's state and everything derived from it, and what it changes for the issues it blocks."""
    _put_rejections(db, key, folded)
    _put_comments(db, key, folded)
    before = db.execute("select category, archived from issues where key = ?", (key,)).fetchone()
    columns = _columns(db, key, folded, workflow) | {"tip": tip, "seq": seq}
    assignments = ", ".join(f"{name} = :{name}" for name in columns)
    db.execute(f"update issues set {assignments} where key = :key", columns | {"key": key})
    relinked = _put_sets(db, key, folded)
    id = db.execute("select id from issues where key = ?", (key,)).fetchone()[0]
    if relinked or tuple(before) != (columns["category"], columns["archived"]):
        blocks = db.execute("select other from links where issue = ? and kind = 'blocks'", (key,)).fetchall()
        update_blocked(db, {id, *relinked, *(row[0] for row in blocks)})
    _put_texts(db, key, columns["title"], folded)


def _columns(db: Db, key: int, folded: State, workflow: Workflow) -> dict[str, Any]:
    def latest(field: str) -> Any:
        return max(folded.registers[field], key=lambda write: (write[1], write[2], write[0]), default=None)

    status = folded.value("status")
    category = workflow.statuses.get(status) or folded.value("category")
    created, claim = folded.created, folded.claim(0)
    person = db.execute("select person from actors where id = ?", (created["actor"],)).fetchone()
    links = folded.sets.get("links", {})
    parents = [(adds, link) for link, adds in links.items() if link.startswith("parent ")]
    imported = created["imported"] or {}
    conflicted = any(
        len({repr(write[5]) for write in writes}) > 1
        for field, writes in folded.registers.items()
        if len(writes) > 1 and field != "category" and ":" not in field
    )
    bad = db.execute(
        "select count(*) from entries where issue = ? and verdict in ('quarantined', 'muted')", (key,)
    ).fetchone()[0]
    count = db.execute("select count(*) from comments where issue = ?", (key,)).fetchone()[0]
    return {
        "title": folded.value("title"), "status": status, "category": category, "type": folded.value("type"),
        "priority": folded.value("priority"), "assignee": folded.value("assignee"), "author": created["actor"],
        "person": person[0] if person else "", "created": created["at"], "updated": folded.updated[3],
        "closed": latest("status")[4] if category == "done" else None,
        "parent": max(parents)[1].partition(" ")[2] if parents else None, "milestone": folded.value("milestone"),
        "due": folded.value("due"), "deferred": folded.value("deferred"),
        "archived": int(bool(folded.value("archived"))), "claim_actor": claim.actor if claim else None,
        "claim_until": claim.until if claim else None, "claim_entry": claim.entry if claim else None,
        "comments": count, "conflicted": int(conflicted),
        "origin": f"{imported['from']}:{imported['id']}" if "from" in imported and "id" in imported else None,
        "quarantined": bad, "state": _encode(folded.to_json()),
    }  # fmt: skip


def _put_rejections(db: Db, key: int, folded: State) -> None:
    for rejection in folded.rejections:
        db.execute(
            "update entries set reason = ? where id = ? and issue = ? and verdict = 'ok'",
            (f"no effect: {rejection.reason}", rejection.entry, key),
        )


def _put_comments(db: Db, key: int, folded: State) -> None:
    comments = folded.comments
    changed = comments.changed if isinstance(comments, Comments) else comments
    if not isinstance(comments, Comments):
        db.execute("delete from comments where issue = ?", (key,))
    for part, note in changed.items():
        place = "{:015d}.{:010d}.{}.{:03d}".format(*note["order"])
        db.execute("insert or replace into comments values (?, ?, ?, ?)", (key, part, place, _encode(note)))


def _put_sets(db: Db, key: int, folded: State) -> set[str]:
    """Write labels and links; return the ids of issues whose links from here changed."""
    labels = set(folded.sets.get("labels", ()))
    stored = {row[0] for row in db.execute("select label from labels where issue = ?", (key,))}
    db.executemany("delete from labels where issue = ? and label = ?", [(key, label) for label in stored - labels])
    db.executemany("insert into labels values (?, ?)", [(key, label) for label in labels - stored])
    links = {tuple(link.split(" ")) for link in folded.sets.get("links", ())}
    before = {tuple(row) for row in db.execute("select kind, other from links where issue = ?", (key,))}
    db.executemany(
        "delete from links where issue = ? and kind = ? and other = ?", [(key, *gone) for gone in before - links]
    )
    db.executemany("insert into links values (?, ?, ?)", [(key, *new) for new in links - before])
    own = db.execute("select id from issues where key = ?", (key,)).fetchone()[0]
    return {own if kind == "parent" else other for kind, other in links ^ before if kind in ("parent", "blocks")}


def _put_texts(db: Db, key: int, title: str, folded: State) -> None:
    """Index each text on its own, so that one more comment costs one more row, however long the history."""
    comments = folded.comments
    changed = comments.changed if isinstance(comments, Comments) else comments
    wanted = {part: "" if note["redacted"] else note["body"] for part, note in changed.items()}
    for part, body in {"title": title, "description": folded.texts.get("description", ""), **wanted}.items():
        row = db.execute("select id from documents where issue = ? and part = ?", (key, part)).fetchone()
        if row is None:
            if not body:
                continue
            row = (db.execute("insert into documents (issue, part) values (?, ?)", (key, part)).lastrowid,)
            db.execute("insert into texts (rowid, body) values (?, ?)", (row[0], body))
        elif db.execute("select body from texts where rowid = ?", (row[0],)).fetchone()[0] != body:
            db.execute("update texts set body = ? where rowid = ?", (body, row[0]))


_ABOVE = """
with recursive above (id) as (
    select ? union select issues.parent from issues join above on issues.id = above.id where issues.parent is not null
)
select 1 from above
join links on links.other = above.id and links.kind = 'blocks'
join issues on issues.key = links.issue
where issues.category != 'done' and not issues.archived limit 1
"""


def update_blocked(db: Db, ids: set[str]) -> None:
    """Recompute which of these issues something open blocks, on them or on an ancestor, and pass changes down."""
    todo, seen = list(ids), set()
    while todo:
        id = todo.pop()
        row = db.execute("select key, blocked from issues where id = ?", (id,)).fetchone()
        if row is None or id in seen:
            continue
        seen.add(id)
        blocked = int(db.execute(_ABOVE, (id,)).fetchone() is not None)
        if blocked != row["blocked"]:
            db.execute("update issues set blocked = ? where key = ?", (blocked, row["key"]))
            todo.extend(child[0] for child in db.execute("select id from issues where parent = ?", (id,)))


def forget_issue(db: Db, key: int) -> None:
    """Remove everything derived of one issue, for a rebuild of it."""
    for table in ("events", "entries", "comments", "labels", "links"):
        db.execute(f"delete from {table} where issue = ?", (key,))
    db.execute("delete from texts where rowid in (select id from documents where issue = ?)", (key,))
    db.execute("delete from documents where issue = ?", (key,))


def forget_waiting(db: Db, key: int) -> None:
    """Remove what waited, so that it is looked at again."""
    db.execute(
        "delete from events where entry in (select number from entries where issue = ? and verdict = 'waiting')", (key,)
    )
    db.execute("delete from entries where issue = ? and verdict = 'waiting'", (key,))


def hide(db: Db, key: int, tip: str, seq: int) -> None:
    """Keep an issue without a readable root out of sight; its entries stay listed with their verdicts."""
    db.execute("update issues set tip = ?, seq = ?, archived = ? where key = ?", (tip, seq, HIDDEN, key))


class Known(MutableMapping[str, About]):
    """What is known of the entries of one issue, asked for one by one."""

    def __init__(self, db: Db, issue: int) -> None:
        self._db, self._issue, self._new = db, issue, dict[str, About]()

    def __getitem__(self, id: str) -> About:
        if id in self._new:
            return self._new[id]
        row = self._db.execute(
            "select verdict, ms, count, reason from entries where id = ? and issue = ?", (id, self._issue)
        ).fetchone()
        if row is None:
            raise KeyError(id)
        found = About(row[0], (row[1], row[2]), not row[3].startswith("it does not descend"))
        self._new[id] = found
        return found

    def __setitem__(self, id: str, about: About) -> None:
        self._new[id] = about

    def __delitem__(self, id: str) -> None:
        del self._new[id]

    def __iter__(self) -> Iterator[str]:
        rows = self._db.execute("select id from entries where issue = ?", (self._issue,)).fetchall()
        yield from {row[0] for row in rows} | self._new.keys()

    def __len__(self) -> int:
        return sum(1 for _ in self)


def heads(db: Db, key: int) -> set[str]:
    """Return the entries of an issue, of whatever verdict, that no other builds on."""
    rows = db.execute("select id, parents from entries where issue = ?", (key,)).fetchall()
    return {row[0] for row in rows} - {parent for row in rows for parent in row[1].split()}
