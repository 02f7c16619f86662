"""What a workspace answers: the questions of a `Reader`, asked of every repository that can answer.

Rows carry `repository`, and their `short` ids read `api#3f2a91c`; both forms of an id are understood. A repository that
is missing or fails is left out and tried again later.
"""

from collections.abc import Callable, Container, Sequence
from contextlib import suppress
from typing import Any

from git_tracker.errors import Ambiguous, EpochChanged, NotFound, TrackerError
from git_tracker.store import cursors, query
from git_tracker.store.index import read
from git_tracker.store.query import LINKS, Query, Term
from git_tracker.store.reading import Reader
from git_tracker.store.workspace import merging, roster
from git_tracker.store.workspace.between import Between, between
from git_tracker.store.workspace.gathering import Gathering
from git_tracker.store.workspace.members import Member

Json = Any


class Survey(Gathering):
    """Several repositories as one."""

    # one issue

    def get_issue(self, id: str, *, comments: int | None = None, among: int | None = None) -> dict[str, Json]:
        """Return one issue, as a store does; links to and from other repositories name those."""
        member, reader, full = self._find(id)
        found, links = reader.get_issue(full, comments=comments, among=among), self._between()
        for link in found["links"]:
            if (there := links.home.get(link["issue"], member.name)) != member.name:
                link["repository"] = there
        found["links"] += [
            {"kind": link.kind, "issue": link.issue, "direction": "in", "repository": name}
            for name, link in links.links
            if link.other == full and link.kind != "parent"
        ]
        return self._marked(member, found, links)

    def row(self, id: str) -> dict[str, Json]:
        """Return one issue as it stands in lists."""
        member, reader, full = self._find(id)
        return self._marked(member, reader.row(full), self._between())

    def outcome(self, id: str, actor: str) -> dict[str, Json]:
        """Return an issue's row with its `heads`, its `conflicts` if it has any, and an actor's `lost_claims`."""
        member, reader, full = self._find(id)
        found = self._marked(member, reader.outcome(full, actor), self._between())
        return found | {"lost_claims": self.lost_claims(actor)}

    def history(self, id: str, *, limit: int = 100, cursor: str = "") -> dict[str, Json]:
        """Return a page of an issue's events, oldest first."""
        member, reader, full = self._find(id)
        page = reader.history(full, limit=limit, cursor=cursor)
        return {**page, "items": [self._named(member, item) for item in page["items"]]}

    # many

    def list_issues(
        self, text: str = "", *, limit: int = 50, cursor: str = "", me: str = "", terms: Sequence[Term] = (),
        fits: Callable[[list[dict[str, Json]]], int] = len,
    ) -> dict[str, Json]:  # fmt: skip
        """Return a page of what a query finds over all repositories; of the items, as many as `fits` says."""
        asked, links = self._asked(text).limited_to(*terms), self._between()

        def asking(member: Member, reader: Reader) -> Callable[[int, str], dict[str, Json]]:
            own = self._of(asked, member, links)

            def ask(count: int, place: str) -> dict[str, Json]:
                page = self._try(member, lambda: reader.list_issues(own, limit=count, cursor=place, me=me))
                return self._page(member, page, place, links)

            return ask

        ask = {member.name: asking(member, reader) for member, reader in self._members.present()}
        page = merging.pages(ask, cursor, limit, merging.order_of(asked))
        most = fits(page["items"])
        return page if most == len(page["items"]) else merging.pages(ask, cursor, most, merging.order_of(asked))

    def conflicts(self, *, limit: int = 50, cursor: str = "") -> dict[str, Json]:
        """Return a page of the issues in conflict, latest change first."""
        links = self._between()

        def asking(member: Member, reader: Reader) -> Callable[[int, str], dict[str, Json]]:
            def ask(count: int, place: str) -> dict[str, Json]:
                page = self._try(member, lambda: reader.conflicts(limit=count, cursor=place))
                return self._page(member, page, place, links)

            return ask

        ask = {member.name: asking(member, reader) for member, reader in self._members.present()}
        return merging.pages(ask, cursor, limit, merging.Order(lambda row: row["updated_at"], descending=True))

    def board(self, text: str = "", *, limit: int = 50, me: str = "") -> dict[str, Json]:
        """Return a column for each status of any repository."""
        asked, links, cursor = self._asked(text), self._between(), self.cursor()
        boards = []
        for member, board in self._each(lambda m, r: r.board(self._of(asked, m, links), limit=limit, me=me)):
            for column in board["columns"]:
                column["items"] = [self._marked(member, row, links) for row in column["items"]]
            boards.append(board)
        return {"columns": merging.columns(boards, limit), "cursor": cursor}

    def created(self, ids: Sequence[str]) -> list[dict[str, Json]]:
        """Return of new issues how they are named in short, and likely duplicates in any repository."""
        found = []
        for id in ids:
            member, reader, full = self._find(id)
            row = reader.row(full)
            near = self.similar(row["title"], but=ids)
            found.append({"issue": full, "short": f"{member.name}#{row['short']}", "similar": near})
        return found

    def similar(self, title: str, *, but: Container[str] = ()) -> list[str]:
        """Return ids of open issues, `but` some, whose titles share most words with this one."""
        return [id for _, ids in self._each(lambda m, r: r.similar(title, but=but)) for id in ids]

    def events(self, *, since: str = "", limit: int = 100, agent: str = "", issue: str = "") -> dict[str, Json]:
        """Return events of all repositories after a cursor, oldest first; without a cursor the newest ones.

        A repository that the cursor does not know of raises `EpochChanged`, which says where to go on.
        """
        places = cursors.split(since) if since else {}
        chosen = self._find(issue) if issue else None
        strangers: list[TrackerError] = []

        def ask(member: Member, reader: Reader) -> Json:
            nothing = {"items": [], "next": places.get(member.name) or reader.ask(read.cursor), "total": 0}
            if chosen and member is not chosen[0]:
                return nothing
            full = chosen[2] if chosen else ""
            try:
                page = reader.events(since=places.get(member.name, ""), limit=limit, agent=agent, issue=full)
            except NotFound as error:  # an agent that never wrote here
                strangers.append(error)
                return nothing
            return {**page, "items": [self._named(member, item) for item in page["items"]]}

        if since:
            self._require_known(places)
        found = {member.name: page for member, page in self._each(ask)}
        if strangers and len(strangers) == len(found):
            raise strangers[0]
        return merging.feed(found, since, limit)

    def cursor(self) -> str:
        """Return the cursor of the newest events."""
        return cursors.join({member.name: place for member, place in self._each(lambda m, r: r.ask(read.cursor))})

    def agents(self, *, limit: int = 100, cursor: str = "") -> dict[str, Json]:
        """Return those who wrote anywhere here, latest first; who wrote in several repositories stands once."""
        found = self._each(lambda m, r: merging.whole(lambda after: r.agents(limit=500, cursor=after)))
        return merging.cut(merging.agents((m.name, agent) for m, agents in found for agent in agents), limit, cursor)

    def audit(
        self, agent: str, *, limit: int = 100, cursor: str = "", issue: str = "", kind: str = "", since: str = "",
        until: str = "",
    ) -> dict[str, Json]:  # fmt: skip
        """Return who delegated an agent and everything it did in every repository, oldest first."""
        chosen = self._find(issue) if issue else None
        trails: dict[str, dict[str, Json]] = {}

        def asking(member: Member, reader: Reader) -> Callable[[int, str], dict[str, Json]]:
            full = chosen[2] if chosen else ""

            def ask(count: int, place: str) -> dict[str, Json]:
                found = reader.audit(agent, limit=count, cursor=place, issue=full, kind=kind, since=since, until=until)
                trails.setdefault(member.name, found)
                items = [
                    self._named(member, {**item, "events": [self._named(member, one) for one in item["events"]]})
                    for item in found["items"]
                ]
                return {**found, "items": items}

            return ask

        ask = {}
        strangers: list[NotFound] = []
        for member, reader in self._members.present():
            if chosen and member is not chosen[0]:
                continue
            try:
                asking(member, reader)(1, "")
                ask[member.name] = asking(member, reader)
            except Ambiguous:
                raise
            except NotFound as error:
                strangers.append(error)
        if not trails:
            raise strangers[0] if strangers else NotFound(f"no agent {agent!r}")
        page = merging.pages(ask, cursor, limit, merging.Order(lambda item: item["at"]))
        given = next((found["delegation"] for found in trails.values() if found["delegation"]), None)
        who = merging.agents((name, found["agent"]) for name, found in trails.items())[0]
        again = [self._named_by(name, one) for name, found in trails.items() for one in found["reopened"]]
        return {
            "agent": who, "delegation": given, **page, "reopened": [] if cursor else again,
            "chain": merging.chain(found["chain"] for found in trails.values()),
        }  # fmt: skip

    def lost_claims(self, actor: str) -> list[dict[str, Json]]:
        """Return the claims of an actor that somebody turned out to have made earlier."""
        found = self._each(lambda m, r: r.lost_claims(actor))
        return [self._named(member, claim) for member, claims in found for claim in claims]

    def quarantine(self, *, limit: int = 100, cursor: str = "") -> dict[str, Json]:
        """Return a page of the entries that do not count, with the reason, oldest first."""

        def asking(member: Member, reader: Reader) -> Callable[[int, str], dict[str, Json]]:
            def ask(count: int, place: str) -> dict[str, Json]:
                page = self._try(member, lambda: reader.quarantine(limit=count, cursor=place))
                if page is None:
                    return {"items": [], "next": place or None, "total": 0}
                return {**page, "items": [self._named(member, item) for item in page["items"]]}

            return ask

        ask = {member.name: asking(member, reader) for member, reader in self._members.present()}
        return merging.pages(ask, cursor, limit, merging.Order(lambda item: item["at"]))

    def health(self) -> dict[str, Json]:
        """Return the figures of all repositories together, and how each of them stands."""
        figures = [found for _, found in self._each(lambda m, r: r.health())]
        counts = ("issues", "entries", "events", "quarantined", "waiting")
        return {
            "repository": self.name, "root": self.root, "epoch": "", "cursor": self.cursor(),
            **{name: sum(found[name] for found in figures) for name in counts},
            "repositories": [standing._asdict() for standing in self.repositories()],
        }  # fmt: skip

    # inside

    def _between(self) -> Between:
        with suppress(TrackerError):
            return between(self._members.present(), self._links)
        return Between((), {}, {})

    def _asked(self, text: str) -> Query:
        """Parse a query, with ids resolved over all repositories."""
        names = self._members.names

        def whole(term: Term) -> Term | bool:
            if term.key == "repo":
                for name in term.values:
                    if name not in names:
                        raise roster.unknown(name, dict.fromkeys(names))
            if term.key in ("parent", *LINKS) and term.values != ("none",):
                return term._replace(values=tuple(self._find(value)[2] for value in term.values), compare="whole")
            return term

        return query.parse(text, self.now_ms // 1000).mapped(whole)

    def _of(self, asked: Query, member: Member, links: Between) -> Query:
        """Return what a query asks of one repository."""
        blocked = tuple(sorted(links.blocked.get(member.name, ())))
        own = asked.within(member.name)
        if not blocked:
            return own
        return own.mapped(lambda term: term._replace(elsewhere=blocked) if term.key == "is" else term)

    def _page(self, member: Member, page: dict[str, Json] | None, place: str, links: Between) -> dict[str, Json]:
        """Return a page of one repository with its rows marked; one that failed on the way has nothing to give now."""
        if page is None:
            return {"items": [], "next": place or None, "total": 0}
        return {**page, "items": [self._marked(member, row, links) for row in page["items"]]}

    def _marked(self, member: Member, row: dict[str, Json], links: Between) -> dict[str, Json]:
        found = self._named(member, row)
        if row["id"] in links.blocked.get(member.name, ()):
            found |= {"blocked": True, "ready": False}
        return found

    def _require_known(self, places: dict[str, str]) -> None:
        """Raise `EpochChanged` if a cursor knows nothing of a repository: whoever holds it has to look anew."""
        unseen = {member.name: reader for member, reader in self._members.present() if member.name not in places}
        if unseen:
            begin = {name: f"{reader.ask(read.epoch)}.0" for name, reader in unseen.items()}
            raise EpochChanged(cursors.join({name: at for name, at in places.items() if name} | begin))
