"""Links that leave the repository: to issues that only the other members of a workspace know."""

import json
from collections.abc import Iterable
from typing import NamedTuple

from git_tracker.store.index import read
from git_tracker.store.index.schema import Db


class Away(NamedTuple):
    """A link from an issue here to one that is not; `open` says whether the issue here is neither done nor archived."""

    kind: str
    issue: str
    other: str
    open: bool


def links(db: Db) -> list[Away]:
    """Return every link from here to an issue that is not here."""
    rows = db.execute(
        "select links.kind, issues.id, links.other, issues.category != 'done' and not issues.archived from links"
        " join issues on issues.key = links.issue left join issues as here on here.id = links.other"
        " where here.key is null order by links.kind, issues.key"
    )
    return [Away(row[0], row[1], row[2], bool(row[3])) for row in rows]


def known(db: Db, ids: Iterable[str]) -> set[str]:
    """Return which of these full ids are issues here."""
    asked = json.dumps(list(ids))
    rows = db.execute("select issues.id from json_each(?) as asked join issues on issues.id = asked.value", (asked,))
    return {row[0] for row in rows}


def below(db: Db, ids: Iterable[str]) -> set[str]:
    """Return those of these issues that are here, and all that have one of them as parent, however far up."""
    rows = db.execute(
        "with recursive below (id) as (select issues.id from json_each(?) as asked join issues on issues.id = asked.value"
        " union select issues.id from issues join below on issues.parent = below.id) select id from below",
        (json.dumps(list(ids)),),
    )
    return {row[0] for row in rows}


def wrote(db: Db, issuer: bytes, rk: str) -> list[str]:
    """Return the issues that were written to under a request key, in that order."""
    rows = db.execute(
        "select issues.id from entries join issues on issues.key = entries.issue"
        f" where entries.issuer = {read.PUBKEY} and entries.rk >= ? and entries.rk < ? order by entries.n",
        (issuer.hex(), f"{rk}#", f"{rk}$"),
    )
    return list(dict.fromkeys(str(row[0]) for row in rows))
