"""The tables of an index, and what makes them quick to ask."""

from collections.abc import Callable
from sqlite3 import Connection

from git_tracker.store.index.aside import TEXTS, TITLES

VERSION = "14"  # of the tables below: another number means the file is built anew

_TABLES = """
create table meta (name text primary key, value text not null) without rowid;

create table actors (
    id text primary key, name text not null, session text not null, person text not null, client text not null,
    key text not null, issuer text not null, serial integer, label text not null,
    valid_after integer, valid_before integer, scope text not null,
    started integer, last integer, entries integer not null default 0, events integer not null default 0,
    issues integer not null default 0, ok integer not null default 0, muted integer not null default 0,
    quarantined integer not null default 0
) without rowid;

create table issues (
    key integer primary key, id text not null, tip text not null, seq integer not null,
    title text not null, status text not null, category text not null, type text not null,
    priority integer not null, assignee text, author text not null, person text not null,
    created integer not null, updated integer not null, closed integer, parent text, milestone text,
    due integer, deferred integer, archived integer not null, claim_actor text, claim_until integer, claim_entry text,
    blocked integer not null default 0, comments integer not null, conflicted integer not null,
    origin text, quarantined integer not null default 0, state text not null
);

create table comments (
    issue integer not null, part text not null, number integer not null, place text not null, body text not null,
    note text not null, primary key (issue, part)
) without rowid;
create table labels (
    issue integer not null, label text not null, updated integer not null default 0, primary key (issue, label)
) without rowid;
create table links (
    issue integer not null, kind text not null, other text not null, primary key (issue, kind, other)
) without rowid;

create table entries (
    number integer primary key, issue integer not null, id text not null, actor text not null, at integer not null,
    ms integer not null, count integer not null, parents text not null, digest text not null, under text not null,
    chain integer not null, n integer not null, prev text, issuer integer not null, rk text not null, auth integer not null,
    verdict text not null, reason text not null default '', rooted integer not null, partial integer not null,
    review text not null, seq integer not null, events integer not null
);

create table lost_claims (issue integer not null, actor text not null, until integer not null);

create table devices (ref text primary key, tip text not null, tree text not null, flaw text not null) without rowid;

create table auths (key integer primary key, heads text not null unique);

create table pubkeys (key integer primary key, hex text not null unique);

create table events (
    seq integer primary key, entry integer not null, issue integer not null, position integer not null,
    type text not null, body text not null, summary text not null
);

create table outstanding (id integer primary key, part text not null);

create table tallies (
    label text not null, archived integer not null, status text not null, category text not null, blocked integer not null,
    n integer not null, primary key (label, archived, status, category, blocked)
) without rowid;
"""
# Apart from the tables, so that a great many rows may go in first. Not so the partial ones: few rows are in them, and
# to make one of those later takes reading a whole table.
_INDEXES = """
create index issues_tip on issues (id, tip);
create index actors_last on actors (last, id) where entries > 0;
create index issues_seq on issues (seq);
create index issues_updated on issues (archived, updated, key);
create index issues_found on issues (key, archived, updated);
create index issues_board on issues (archived, status, priority, created, key);
create index issues_done on issues (archived, status, updated, key) where category = 'done';
create index issues_ready on issues (priority) where category = 'todo' and blocked = 0 and archived = 0;
create index issues_deferred on issues (deferred) where deferred is not null;
create index issues_parent on issues (parent) where parent is not null;
create index issues_origin on issues (origin) where origin is not null;
create index issues_assignee on issues (assignee, updated) where assignee is not null;
create index issues_hidden on issues (key) where archived = 2;
create index issues_claim on issues (claim_until) where claim_actor is not null;
create index labels_updated on labels (label, updated, issue);
create index links_other on links (other, kind);
create unique index entries_id on entries (id, issue);
create index entries_issue on entries (issue, actor, seq, events);
create index entries_actor on entries (actor, number);
create index entries_chain on entries (chain, n);
create index entries_rk on entries (issuer, rk) where rk != '';
create index entries_bad on entries (verdict, issue) where verdict != 'ok';
create index entries_partial on entries (issue) where partial;
"""

NAMES = (
    "actors", "issues", "comments", "labels", "links", "entries", "events", "outstanding", "auths", "pubkeys",
    "tallies", "devices", "lost_claims",
)  # fmt: skip
VIRTUAL = ("texts", "titles")

_PARTIAL = " where "


def create(db: Connection, *, bare: bool = False) -> None:
    """Create the tables and what is made at once to keep them quick to ask; if `bare`, tables of rows alone."""
    _run(db, _TABLES)
    if not bare:
        _run(db, f"{TEXTS};\n{TITLES}")
        _run(db, _INDEXES, lambda statement: _PARTIAL in statement)


def create_indexes(db: Connection) -> None:
    """Make the tables quick to ask, after rows went in."""
    _run(db, _INDEXES, lambda statement: _PARTIAL not in statement)


def _run(db: Connection, statements: str, wanted: Callable[[str], bool] = bool) -> None:
    for statement in filter(wanted, map(str.strip, statements.split(";\n"))):
        db.execute(statement)
