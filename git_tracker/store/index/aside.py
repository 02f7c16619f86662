"""The table of texts that search looks into, and one like it in memory for those that are not in it yet."""

import sqlite3
from typing import Any

# The words alone: what they make up stands in other tables already.
_WORDS = "using fts5 (body, content = '', columnsize = 0, tokenize = 'unicode61 remove_diacritics 2')"
TEXTS = f"create virtual table texts {_WORDS}"
TITLES = f"create virtual table titles {_WORDS}"  # once more: among all texts they are few


class Aside(sqlite3.Connection):
    """A table of texts that is nobody else's, in memory; `texts` are those in it."""

    def __init__(self, *how: Any, **more: Any) -> None:
        super().__init__(*how, **more)
        self.texts = dict[int, str]()

    def hold(self, texts: dict[int, str]) -> None:
        """Have these texts in the table and no others."""
        for id in [id for id, text in self.texts.items() if texts.get(id) != text]:
            self.execute("insert into texts (texts, rowid, body) values ('delete', ?, ?)", (id, self.texts.pop(id)))
        new = {id: text for id, text in texts.items() if id not in self.texts}
        self.executemany("insert into texts (rowid, body) values (?, ?)", new.items())
        self.texts |= new


def open_aside() -> Aside:
    """Open such a table, within a transaction that does not end: each commit takes long."""
    db = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False, factory=Aside)
    db.execute("begin")
    db.execute(TEXTS)
    return db
