"""Who works in a workspace: people and sessions, each with the key they have in each repository, and what they answer for."""

import time
from collections.abc import Callable, Sequence
from typing import Any, cast

from git_tracker.errors import Invalid, NotFound, Refused, TrackerError
from git_tracker.store import canonical
from git_tracker.store.bus import Bus
from git_tracker.store.identity import Signer, session_id, session_nonce
from git_tracker.store.index import governed
from git_tracker.store.membership import Member as Person
from git_tracker.store.place import Place
from git_tracker.store.scope import Scope
from git_tracker.store.store import IssueStore
from git_tracker.store.workspace import merging
from git_tracker.store.workspace.members import Member
from git_tracker.store.workspace.survey import Survey

Json = Any


class Company(Survey):
    """A workspace with its people. A person signs in each repository with the key they have there; so does a session."""

    def __init__(
        self, folder: str, open: Callable[[Place], IssueStore], *, clock: Callable[[], int] = time.time_ns
    ) -> None:
        self.bus = Bus()
        self._asked_for: dict[
            bytes, str
        ] = {}  # the key a person's signer was handed out with -> whom we were asked for
        self._signers: dict[tuple[object, ...], Signer] = {}

        def opened(where: Place) -> IssueStore:
            store = open(where)
            store.bus.subscribe(self.bus.ring)
            return store

        super().__init__(folder, opened, clock=clock)

    def refresh(self) -> None:
        """Catch up with what others wrote anywhere."""
        list(self._each(lambda m, r: r.refresh()))

    def stores(self) -> list[tuple[str, IssueStore]]:
        """Return the repositories that can be written to now, by name."""
        return [(member.name, cast(IssueStore, reader)) for member, reader in self._members.present()]

    # people and sessions

    @property
    def members(self) -> list[Person]:
        """Everybody who is a member of any repository, once for each of their keys."""
        found: dict[bytes, Person] = {}
        for _, store in self.stores():
            for person in store.members:
                found.setdefault(person.key, person)
        return list(found.values())

    def handle(self, signer: Signer | None = None) -> str:
        """Return what a person is called here: who `assignee:me` is."""
        return next((name for _, store in self.stores() if (name := store.handle(signer))), "")

    def signer(self, person: str = "") -> Signer:
        """Return the signer of a person: of the first repository that knows one; their keys elsewhere are unlocked too."""
        found: Signer | None = None
        trouble: TrackerError | None = None
        for _, store in self.stores():
            try:
                one = store.signer(person)
            except TrackerError as error:
                trouble = trouble or error
                continue
            self._asked_for[one.issuer] = person
            if found is None or (not self._is_member(found) and store.handle(one)):
                found = one
        if found is None:
            raise trouble or self._nothing()
        return found

    def delegate(
        self, person: Signer, *, client: str, label: str, valid_seconds: int = 86400, scope: Scope | None = None,
        sid: str = "",
    ) -> Signer:  # fmt: skip
        """Return the signer of a new agent session; in each repository it gets a key of its own when it writes there."""
        trouble: TrackerError | None = None
        for member, store in self._open():
            try:
                by = self._as(person, member, store)
                found = store.delegate(
                    by, client=client, label=label, valid_seconds=valid_seconds, scope=scope, sid=sid
                )
            except TrackerError as error:
                trouble = trouble or error
                continue
            if person.issuer in self._asked_for:
                self._asked_for.setdefault(found.issuer, self._asked_for[person.issuer])
            self._signers[self._key(found, member)] = found
            return found
        raise trouble or self._nothing()

    def acting(self, by: Signer, name: str) -> Signer:
        """Return who a signer is in the repository of that name."""
        return self._as(by, *self._chosen(name))

    # what they answer for

    def adopt(self, by: Signer, entries: Sequence[str]) -> str:
        """Let muted entries count, each in its repository; return the entry that says so, of the first one."""
        found: dict[str, list[str]] = {}
        for entry in entries:
            found.setdefault(self._holder(entry), []).append(entry.rpartition("#")[2])
        done = [self._chosen(name)[1].adopt(self.acting(by, name), own) for name, own in found.items()]
        return done[0] if done else ""

    def verify_agent(self, name: str, issue: str = "") -> dict[str, Json]:
        """Check everything one agent did, or did on one issue, in every repository, against the raw objects."""
        chosen = self._find(issue) if issue else None
        found: list[tuple[Member, dict[str, Json]]] = []
        stranger: NotFound | None = None
        for member, store in self._open():
            if chosen and member is not chosen[0]:
                continue
            try:
                found.append((member, store.verify_agent(name, chosen[2] if chosen else "")))
            except NotFound as error:
                stranger = error
        if not found:
            raise stranger or NotFound(f"no agent {name!r}")
        return {
            "ok": all(one["ok"] for _, one in found), "entries": sum(one["entries"] for _, one in found),
            "issues": sum(one["issues"] for _, one in found), "chain": merging.chain(one["chain"] for _, one in found),
            "items": [self._named(member, item) for member, one in found for item in one["items"]],
            "problems": [{**flaw, "repository": member.name} for member, one in found for flaw in one["problems"]],
        }  # fmt: skip

    # inside

    def _holder(self, entry: str) -> str:
        """Return the repository that holds a muted entry, by its id, a prefix of it, or `repository#prefix`."""
        name, mark, _ = entry.partition("#")
        if mark:
            return self._chosen(name)[0].name
        stranger: NotFound | None = None
        for member, store in self._open():
            try:
                store.ask(lambda db: governed.muted(db, entry))
            except NotFound as error:
                stranger = error
            else:
                return member.name
        raise stranger or self._nothing()

    def _open(self) -> list[tuple[Member, IssueStore]]:
        return [(member, cast(IssueStore, reader)) for member, reader in self._members.present()]

    def _as(self, by: Signer, member: Member, store: IssueStore) -> Signer:
        """Return who a signer is in one repository: the person with the key they have there, the session likewise."""
        key = self._key(by, member)
        if key in self._signers:
            return self._signers[key]
        asked = self._asked_for.get(by.issuer)
        if asked is None:  # not ours: it signs as it is
            return by
        found = store.signer(asked)
        given = by.delegation
        if given:
            try:
                found = store.delegate(
                    found, client=given.client, label=given.label, sid=_sid(found, given.sid),
                    scope=canonical.loads(given.scope) if given.scope else {},
                    valid_seconds=max(60, given.valid_before - self._clock() // 10**9),
                )  # fmt: skip
            except NotFound as error:
                raise Refused(f"the session may do nothing in {member.name}", str(error), code="out_of_scope") from None
        self._signers[key] = found
        return found

    def _key(self, by: Signer, member: Member) -> tuple[object, ...]:
        return id(member.opened), by.issuer, by.sid, by.delegation and by.delegation.valid_before

    def _is_member(self, signer: Signer) -> bool:
        return any(store.handle(signer) for _, store in self.stores())

    def _nothing(self) -> TrackerError:
        away = [standing for standing in self.repositories() if standing.state != "ok"]
        if away:
            return NotFound(f"no repository of the workspace can be used: {away[0].name}: {away[0].reason}")
        return NotFound("the workspace has no repositories", "`tracker workspace add PATH`", code="no_repository")

    def _chosen(self, name: str) -> tuple[Member, IssueStore]:
        if not name:
            if len(names := self._members.names) != 1:
                there = ", ".join(names) or "none yet: `tracker workspace add PATH`"
                raise Invalid("it does not say in which repository", f"name the repository; there is {there}")
            name = names[0]
        member, reader = self._repository(name)
        return member, cast(IssueStore, reader)


def _sid(person: Signer, sid: str) -> str:
    """Return the id of a session under the key that its person has in another repository: the same where that is the same."""
    return session_id(person.identity.key, session_nonce(sid))
