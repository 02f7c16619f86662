"""Putting folded issues into the index. Called inside the transaction of the store's one write path."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from git_tracker.store import conflicts, events
from git_tracker.store.fold import Record
from git_tracker.store.index import derive
from git_tracker.store.index.rows import Comments
from git_tracker.store.index.schema import Db
from git_tracker.store.state import State
from git_tracker.store.verdicts import Admission
from git_tracker.store.workflow import CATEGORIES, Workflow

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

TRUST = 0  # stands for the trust log where an entry names the key of its issue
HIDDEN = 2  # in the column `archived`

COLUMNS = (
    "tip", "seq", "title", "status", "category", "type", "priority", "assignee", "author", "person", "created",
    "updated", "closed", "parent", "milestone", "due", "deferred", "archived", "claim_actor", "claim_until",
    "claim_entry", "comments", "conflicted", "origin", "quarantined", "state",
)  # fmt: skip


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
        blank = _blank() | {"id": id}
        names = ", ".join(blank)
        marks = ", ".join("?" * len(blank))
        key = int(db.execute(f"insert into issues ({names}) values ({marks})", [*blank.values()]).lastrowid or 0)
    return key


def _blank() -> dict[str, Any]:
    numbers = ("seq", "priority", "created", "updated", "archived", "comments", "conflicted", "quarantined")
    absent = (
        "assignee",
        "closed",
        "parent",
        "milestone",
        "due",
        "deferred",
        "claim_actor",
        "claim_until",
        "claim_entry",
    )
    return dict.fromkeys(COLUMNS, "") | dict.fromkeys(numbers, 0) | dict.fromkeys((*absent, "origin"), None)


def add_entries(db: Db, found: Iterable[tuple[int, Admission]]) -> int:
    """Number entries (with the key of their issue) and their events in the order given; return the last number."""
    seq = last_seq(db)
    for key, admission in found:
        record, envelope = admission.record, admission.entry.envelope if admission.entry else None
        number = db.execute(
            "insert into entries (issue, id, actor, at, ms, count, parents, digest, under, chain, n, prev, issuer, rk,"
            " verdict, reason, rooted, partial, review, auth) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                key, record.id, record.actor, record.at, *record.hlc, " ".join(record.parents), record.digest,
                record.under, admission.chain, envelope.n if envelope else 0, envelope.prev if envelope else None,
                admission.issuer, envelope.rk if envelope else "", admission.verdict, admission.reason,
                admission.rooted, admission.partial, record.review, _auth(db, envelope.auth if envelope else ()),
            ),
        ).lastrowid  # fmt: skip
        if admission.actor:
            db.execute("insert or replace into actors values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", admission.actor)
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


def _auth(db: Db, heads: Iterable[str]) -> int:
    """Return the number of a set of trust heads; a great many entries share a few."""
    text = " ".join(heads)
    row = db.execute("select key from auths where heads = ?", (text,)).fetchone()
    return int(row[0] if row else db.execute("insert into auths (heads) values (?)", (text,)).lastrowid or 0)


def last_seq(db: Db) -> int:
    return int(db.execute("select coalesce(max(seq), 0) from events").fetchone()[0])


def records(db: Db, key: int) -> list[Record]:
    """Return what the fold needs of every admitted entry of an issue.

    Raw parents become effective ones here: an edge to a quarantined parent is ignored.
    """
    rows = db.execute(
        "select entries.*, auths.heads from entries join auths on auths.key = entries.auth where issue = ? order by number",
        (key,),
    ).fetchall()
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
                tuple(row["heads"].split()), person=row["chain"] == row["issuer"], review=row["review"],
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
    relinked = derive.put_sets(db, key, folded)
    id = db.execute("select id from issues where key = ?", (key,)).fetchone()[0]
    if relinked or tuple(before) != (columns["category"], columns["archived"]):
        blocks = db.execute("select other from links where issue = ? and kind = 'blocks'", (key,)).fetchall()
        derive.update_blocked(db, {id, *relinked, *(row[0] for row in blocks)})
    derive.put_lost_claims(db, key, folded)
    derive.put_texts(db, key, columns["title"], folded)


def _columns(db: Db, key: int, folded: State, workflow: Workflow) -> dict[str, Any]:
    status, moved = folded.value("status"), folded.standing("status")
    category = workflow.statuses.get(status) or folded.value("category")
    if category == "done" and folded.value("category") != "done":  # what was signed, and held against the policy
        category = "active"
    category = category if category in CATEGORIES else "active"
    created, claim = folded.created, folded.claim(0)
    person = db.execute("select person from actors where id = ?", (created["actor"],)).fetchone()
    links = folded.sets.get("links", {})
    parents = [(adds, link) for link, adds in links.items() if link.startswith("parent ")]
    imported = created["imported"] or {}
    bad = db.execute("select count(*) from entries where issue = ? and verdict != 'ok'", (key,)).fetchone()[0]
    count = db.execute("select count(*) from comments where issue = ?", (key,)).fetchone()[0]
    return {
        "title": folded.value("title"), "status": status, "category": category, "type": folded.value("type"),
        "priority": folded.value("priority"), "assignee": folded.value("assignee"), "author": created["actor"],
        "person": person[0] if person else "", "created": created["at"], "updated": folded.updated[3],
        "closed": moved[4] if moved and category == "done" else None,
        "parent": max(parents)[1].partition(" ")[2] if parents else None, "milestone": folded.value("milestone"),
        "due": folded.value("due"), "deferred": folded.value("deferred"),
        "archived": int(bool(folded.value("archived"))), "claim_actor": claim.actor if claim else None,
        "claim_until": claim.until if claim else None, "claim_entry": claim.entry if claim else None,
        "comments": count, "conflicted": int(conflicts.any_in(folded.registers, folded.conflicts)),
        "origin": f"{imported['from']}:{imported['id']}" if "from" in imported and "id" in imported else None,
        "quarantined": bad, "state": _encode(folded.to_json()),
    }  # fmt: skip


def _put_rejections(db: Db, key: int, folded: State) -> None:
    if not isinstance(folded.comments, Comments):  # folded anew
        db.execute("update entries set reason = '' where issue = ? and verdict = 'ok' and reason != ''", (key,))
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


def forget_issue(db: Db, key: int) -> None:
    """Remove everything derived of one issue, for a rebuild of it."""
    for table in ("events", "entries"):
        db.execute(f"delete from {table} where issue = ?", (key,))
    _forget_state(db, key)


def _forget_state(db: Db, key: int) -> None:
    """Make an issue as blank as `reserve` does, and whatever it blocked free of it."""
    id = db.execute("select id from issues where key = ?", (key,)).fetchone()[0]
    touched = {row[0] for row in db.execute("select other from links where issue = ? and kind = 'blocks'", (key,))}
    touched |= {row[0] for row in db.execute("select id from issues where parent = ?", (id,))}
    for table in ("comments", "labels", "links", "lost_claims"):
        db.execute(f"delete from {table} where issue = ?", (key,))
    db.execute("delete from texts where rowid in (select id from documents where issue = ?)", (key,))
    db.execute("delete from documents where issue = ?", (key,))
    blank = _blank()
    db.execute(
        f"update issues set {', '.join(f'{name} = :{name}' for name in blank)} where key = :key", blank | {"key": key}
    )
    derive.update_blocked(db, {id, *touched})


def forget_entry(db: Db, key: int, id: str) -> None:
    """Remove one entry whose verdict changed, so that it can be numbered anew; its issue will be folded from all."""
    db.execute("update issues set state = '' where key = ?", (key,))
    db.execute("delete from events where entry in (select number from entries where issue = ? and id = ?)", (key, id))
    db.execute("delete from entries where issue = ? and id = ?", (key, id))


def hide(db: Db, key: int, tip: str, seq: int) -> None:
    """Keep an issue without a readable root out of sight; its entries stay listed with their verdicts."""
    _forget_state(db, key)
    db.execute("update issues set tip = ?, seq = ?, archived = ? where key = ?", (tip, seq, HIDDEN, key))


def verdicts(db: Db, key: int) -> dict[str, tuple[str, bool, str, str]]:
    """Return of each entry of an issue the verdict, whether some of its past is missing, who wrote it, and `review`."""
    rows = db.execute("select id, verdict, partial, actor, review from entries where issue = ?", (key,))
    return {row[0]: (row[1], bool(row[2]), row[3], row[4]) for row in rows}


def issues_of(db: Db, entry: str) -> list[str]:
    """Return the issues below whose root an entry stands."""
    rows = db.execute(
        "select issues.id from entries join issues on issues.key = entries.issue where entries.id = ? and rooted",
        (entry,),
    )
    return [row[0] for row in rows]


def among(db: Db, issue: str, entries: Iterable[str]) -> set[str]:
    """Return those of the given entries that are in an issue."""
    return {entry for entry in entries if issue in issues_of(db, entry)}


def waiting(db: Db) -> Iterator[tuple[str, int, str, list[str]]]:
    """Yield (issue, ms of its clock, reason, ids that are not here) of what waits or stands on what is not here."""
    rows = db.execute(
        "select issues.id as whole, issues.key, entries.parents, entries.ms, entries.reason from entries"
        " join issues on issues.key = entries.issue where entries.verdict = 'waiting' or entries.partial"
    ).fetchall()
    for row in rows:
        known = verdicts(db, row["key"])
        yield row["whole"], row["ms"], row["reason"], [id for id in row["parents"].split() if id not in known]
    for row in db.execute("select id, key, tip from issues where archived = ?", (HIDDEN,)).fetchall():
        if row["tip"] not in verdicts(db, row["key"]):
            yield row["id"], 0, "", [row["tip"]]


def wake(db: Db, reason: str, early_ms: int) -> str:
    """Return the time (ms) at which the first entry that waits for its time may be looked at again, or nothing."""
    first = db.execute("select min(ms) from entries where verdict = 'waiting' and reason = ?", (reason,)).fetchone()[0]
    return "" if first is None else str(first - early_ms)


def heads(db: Db, key: int) -> set[str]:
    """Return the entries of an issue, of whatever verdict, that no other builds on."""
    rows = db.execute("select id, parents from entries where issue = ?", (key,)).fetchall()
    return {row[0] for row in rows} - {parent for row in rows for parent in row[1].split()}
