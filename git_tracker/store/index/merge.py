"""Making one index of shards: issues as they come in, entries and events in their order at the end."""

from collections.abc import Callable, Iterable, Sequence

from git_tracker.store.index import counts, derive, schema, tables, texts, write
from git_tracker.store.index.putting import ACTOR, ENTRY, EVENT, insert
from git_tracker.store.index.schema import Db
from git_tracker.store.index.shard import PLACES, ROWS, Rows

_CACHE = 8000  # kB of a shard: rows that are one behind the other in time lie here and there in it


class Merging:
    """An index in the making, with the shards it is made of."""

    def __init__(self, path: str, epoch: str) -> None:
        self.db: Db = schema.connect_unsafe(path)
        tables.create(self.db)
        schema.set_meta(self.db, "version", tables.VERSION)
        schema.set_meta(self.db, "epoch", epoch)
        texts.gather_roughly(self.db)
        self.db.execute("begin")  # a single one: at the end of each the words gathered so far are written
        self._names: list[str] = []

    def take(self, rows: Rows) -> None:
        """Write the rows of issues that a shard hands over."""
        for table, columns in ROWS.items():
            insert(self.db, table, columns, rows[table])

    def finish(self, shards: Sequence[str], figures: Callable[[], Iterable[list[counts.Figures]]]) -> None:
        """Number all entries by time and id, and make the index quick to ask.

        `shards` are files that are whole; `figures` returns, for each, what `Shard.figures` does.
        """
        self.db.execute("commit")
        self._names = [f"s{number}" for number in range(len(shards))]
        for name, path in zip(self._names, shards, strict=True):
            self.db.execute(f"attach ? as {name}", (path,))
            self.db.execute(f"pragma {name}.cache_size=-{_CACHE}")
        self.db.execute("begin")
        self._rank()
        self._copy_entries()
        self._copy_events()
        self._copy_actors()
        self.db.execute("drop table rank")
        self.db.execute("commit")
        for name in self._names:
            self.db.execute(f"detach {name}")
        self.db.execute("begin")
        person = "(select person from actors where actors.id = issues.author)"
        self.db.execute(f"update issues set person = coalesce({person}, '') where archived < {write.HIDDEN}")
        tables.create_indexes(self.db)
        blocking = {row[0] for row in self.db.execute("select distinct other from links where kind = 'blocks'")}
        derive.update_blocked(self.db, blocking)
        texts.gather_titles(self.db)
        counts.count_all(self.db, figures())
        schema.count_from_now_on(self.db)
        texts.gather_evenly(self.db)
        self.db.execute("commit")

    def hasty(self) -> Iterable[tuple[int, str, str]]:
        """Yield (issue's key, trust heads cited, those that the entry before in its chain cites) where they differ."""
        if self.db.execute("select count(*) from auths").fetchone()[0] < 2:
            return []
        return self.db.execute(
            "select distinct entries.issue, own.heads, before.heads from entries"
            " join entries as prior on prior.id = entries.prev and prior.auth != entries.auth"
            " join auths as own on own.key = entries.auth join auths as before on before.key = prior.auth"
        )

    def id_of(self, key: int) -> str:
        return str(self.db.execute("select id from issues where key = ?", (key,)).fetchone()[0])

    def _rank(self) -> None:
        keys = " union all ".join(f"select number, ms, count, id, events from {name}.entries" for name in self._names)
        self.db.execute("create table rank (new integer primary key, old integer not null, seq integer not null)")
        self.db.execute(
            "insert into rank (old, seq) select number, sum(events) over (order by ms, count, id rows unbounded preceding)"
            f" - events + 1 from ({keys}) order by ms, count, id"
        )

    def _copy_entries(self) -> None:
        self._join_numbers("auths", "heads")
        self._join_numbers("pubkeys", "hex")
        shared = {"auth": "auths", "chain": "pubkeys", "issuer": "pubkeys"}
        numbers = (
            f"coalesce((select new from new_{table} where old = {self._either(name)}), 0)"
            for name, table in shared.items()
        )
        columns = [name for name in ENTRY if name not in ("number", "seq", *shared)]
        joins = " ".join(
            f"left join {name}.entries as {name} on {name}.number = {self._own(name)}" for name in self._names
        )
        self.db.execute(
            f"insert into entries (number, seq, {', '.join((*shared, *columns))}) select rank.new, rank.seq,"
            f" {', '.join((*numbers, *map(self._either, columns)))}"
            f" from rank {joins} order by rank.new"
        )

    def _join_numbers(self, table: str, column: str) -> None:
        """Join a table of what entries share, and note by which number each is known from now on."""
        self.db.execute(f"create temp table new_{table} (old integer primary key, new integer not null)")
        for name in self._names:
            self.db.execute(f"insert or ignore into {table} ({column}) select {column} from {name}.{table}")
            self.db.execute(
                f"insert into new_{table} select theirs.key, ours.key from {name}.{table} as theirs"
                f" join main.{table} as ours on ours.{column} = theirs.{column}"
            )

    def _copy_events(self) -> None:
        columns = [name for name in EVENT if name not in ("seq", "entry")]
        joins = " ".join(
            f"left join {name}.events as {name} on {name}.seq between {self._own(name)} * {PLACES}"
            f" and {self._own(name)} * {PLACES} + {PLACES - 1}"
            for name in self._names
        )
        self.db.execute(
            f"insert into events (entry, {', '.join(columns)}) select rank.new, {', '.join(map(self._either, columns))}"
            f" from rank {joins} order by rank.new, {self._either('seq')}"
        )

    def _copy_actors(self) -> None:
        rows = " union all ".join(
            f"select {', '.join(f'actors.{column}' for column in ACTOR)}, ms, count, entry from {name}.actors"
            f" join {name}.latest on latest.actor = actors.id"
            for name in self._names
        )
        marks = ", ".join(ACTOR)
        self.db.execute(
            f"insert or replace into actors ({marks}) select {marks} from ({rows}) order by ms, count, entry"
        )

    def _own(self, name: str) -> str:
        """Return the number of an entry if it is one of that shard's, else null: nothing is looked for there."""
        return f"iif(rank.old % {len(self._names)} = {self._names.index(name)}, rank.old, null)"

    def _either(self, column: str) -> str:
        """Return the value of a column in the one shard that has the row."""
        named = [f"{name}.{column}" for name in self._names]
        return f"coalesce({', '.join(named)})" if len(named) > 1 else named[0]
