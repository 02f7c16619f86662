"""What follows from an issue's state: labels, links, what is blocked, and the texts that search looks into."""

from git_tracker.store.index.rows import Comments
from git_tracker.store.index.schema import Db
from git_tracker.store.state import State


def put_sets(db: Db, key: int, folded: State) -> set[str]:
    """Write labels and links; return the ids of issues whose links from here changed."""
    labels = set(folded.sets.get("labels", ()))
    stored = {row[0] for row in db.execute("select label from labels where issue = ?", (key,))}
    db.executemany("delete from labels where issue = ? and label = ?", [(key, label) for label in stored - labels])
    db.executemany("insert into labels (issue, label) values (?, ?)", [(key, label) for label in labels - stored])
    links = {tuple(link.split(" ")) for link in folded.sets.get("links", ())}
    before = {tuple(row) for row in db.execute("select kind, other from links where issue = ?", (key,))}
    db.executemany(
        "delete from links where issue = ? and kind = ? and other = ?", [(key, *gone) for gone in before - links]
    )
    db.executemany("insert into links values (?, ?, ?)", [(key, *new) for new in links - before])
    own = db.execute("select id from issues where key = ?", (key,)).fetchone()[0]
    return {own if kind == "parent" else other for kind, other in links ^ before if kind in ("parent", "blocks")}


def put_lost_claims(db: Db, key: int, folded: State) -> None:
    """Write who holds a claim that another one, made elsewhere, was earlier than."""
    later = folded.live_claims(0)[1:]
    if later or db.execute("select 1 from lost_claims where issue = ?", (key,)).fetchone():
        db.execute("delete from lost_claims where issue = ?", (key,))
        db.executemany("insert into lost_claims values (?, ?, ?)", [(key, one.actor, one.until) for one in later])


def put_texts(db: Db, key: int, title: str, folded: State) -> None:
    """Index each text on its own, so that one more comment costs one more row, however long the history."""
    comments = folded.comments
    changed = comments.changed if isinstance(comments, Comments) else comments
    if not isinstance(comments, Comments):  # folded anew: a comment may be gone
        for row in db.execute("select id, part from documents where issue = ?", (key,)).fetchall():
            if row[1] not in changed and row[1] not in ("title", "description"):
                db.execute("delete from texts where rowid = ?", (row[0],))
                db.execute("delete from documents where id = ?", (row[0],))
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
