"""What follows from an issue's state: labels, links, and what is blocked."""

from collections.abc import Mapping
from typing import Any

from git_tracker.store import canonical, conflicts
from git_tracker.store.index.schema import Db
from git_tracker.store.state import Claim, State
from git_tracker.store.workflow import CATEGORIES, Workflow

encode = canonical.encoder()


def columns(folded: State, workflow: Workflow) -> dict[str, Any]:
    """Return the columns of an issue that follow from its state alone."""
    status, moved = folded.value("status"), folded.standing("status")
    category = workflow.statuses.get(status) or folded.value("category")
    if category == "done" and folded.value("category") != "done":  # what was signed, and held against the policy
        category = "active"
    category = category if category in CATEGORIES else "active"
    created, claim = folded.created, folded.claim(0)
    links = folded.sets.get("links", {})
    parents = [(adds, link) for link, adds in links.items() if link.startswith("parent ")]
    imported = created["imported"] or {}
    return {
        "title": folded.value("title"), "status": status, "category": category, "type": folded.value("type"),
        "priority": folded.value("priority"), "assignee": folded.value("assignee"), "author": created["actor"],
        "created": created["at"], "updated": folded.updated[3],
        "closed": moved[4] if moved and category == "done" else None,
        "parent": max(parents)[1].partition(" ")[2] if parents else None, "milestone": folded.value("milestone"),
        "due": folded.value("due"), "deferred": folded.value("deferred"),
        "archived": int(bool(folded.value("archived"))), "claim_actor": claim.actor if claim else None,
        "claim_until": claim.until if claim else None, "claim_entry": claim.entry if claim else None,
        "conflicted": int(conflicts.any_in(folded.registers, folded.conflicts)),
        "origin": f"{imported['from']}:{imported['id']}" if "from" in imported and "id" in imported else None,
        "state": encode(folded.to_json()),
    }  # fmt: skip


def put_sets(db: Db, key: int, own: str, folded: State) -> set[str]:
    """Write labels and links of the issue `own`; return the ids of issues whose links from here changed."""
    labels = set(folded.sets.get("labels", ()))
    stored = {row[0] for row in db.execute("select label from labels where issue = ?", (key,))}
    if labels != stored:
        db.executemany("delete from labels where issue = ? and label = ?", [(key, label) for label in stored - labels])
        insert = "insert into labels select key, ?, updated from issues where key = ?"
        db.executemany(insert, [(label, key) for label in labels - stored])
    new = links(folded)
    before = {tuple(row) for row in db.execute("select kind, other from links where issue = ?", (key,))}
    if new == before:
        return set()
    db.executemany(
        "delete from links where issue = ? and kind = ? and other = ?", [(key, *gone) for gone in before - new]
    )
    db.executemany("insert into links values (?, ?, ?)", [(key, *link) for link in new - before])
    return {own if kind == "parent" else other for kind, other in new ^ before if kind in ("parent", "blocks")}


def links(folded: State) -> set[tuple[str, str]]:
    """Return the links from an issue: kind and the other's id."""
    found = (link.partition(" ") for link in folded.sets.get("links", ()))
    return {(kind, other) for kind, _, other in found}


def place(note: Mapping[str, Any]) -> str:
    """Return what comments are sorted by."""
    return "{:015d}.{:010d}.{}.{:03d}".format(*note["order"])


def comment(note: Mapping[str, Any]) -> tuple[str, str, str]:
    """Return what the index keeps of a comment: what it is sorted by, its text, and the rest."""
    return place(note), note["body"], encode({name: value for name, value in note.items() if name != "body"})


def lost_claims(folded: State) -> list[Claim]:
    """Return the claims that another one, made elsewhere, was earlier than."""
    return folded.live_claims(0)[1:]


def put_lost_claims(db: Db, key: int, folded: State) -> None:
    """Write who holds a claim that another one, made elsewhere, was earlier than."""
    later = lost_claims(folded)
    if later or db.execute("select 1 from lost_claims where issue = ?", (key,)).fetchone():
        db.execute("delete from lost_claims where issue = ?", (key,))
        db.executemany("insert into lost_claims values (?, ?, ?)", [(key, one.actor, one.until) for one in later])


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
