"""A workspace that also writes: each change goes to the one repository it names, signed there as everywhere else."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, cast

from git_tracker.errors import Conflict, Invalid, NotFound, Refused, TrackerError
from git_tracker.store import canonical
from git_tracker.store.bus import Bus
from git_tracker.store.identity import Signer, session_id
from git_tracker.store.index import away
from git_tracker.store.membership import Member as Person
from git_tracker.store.place import Place
from git_tracker.store.query import Term
from git_tracker.store.scope import Scope
from git_tracker.store.store import IssueStore
from git_tracker.store.workspace.members import Member
from git_tracker.store.workspace.survey import Survey

T = TypeVar("T")
_TRIES = 20
_NAMING = ("parent", "blocked_by", "relates", "discovered_from")


class Workspace(Survey):
    """Several repositories as one store. A person signs in each with the key they have there; so does a session."""

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

    # in

    def create_issue(self, by: Signer, fields: Mapping[str, Any], *, rk: str = "") -> str:
        """Create one issue in the repository that its field `repository` names."""
        return self.create_issues(by, [fields], rk=rk)[0]

    def create_issues(self, by: Signer, plan: Sequence[Mapping[str, Any]], *, rk: str = "") -> list[str]:
        """Create issues as one plan, all or none, all in one repository.

        It is the one that `repository` names, else the one of the issues that the plan refers to, else the only one.
        """
        refs = {str(item["ref"]).removeprefix("#") for item in plan if item.get("ref")}
        names = {str(item["repository"]) for item in plan if item.get("repository")}
        found, elsewhere = [], set()
        for item in plan:
            fields = {name: value for name, value in item.items() if name != "repository"}
            for field in _NAMING:
                if not fields.get(field):
                    continue
                one = isinstance(fields[field], str)
                others = [self._other(id, refs) for id in ([fields[field]] if one else fields[field])]
                elsewhere |= {name for name, _ in others if name}
                fields[field] = others[0][1] if one else [id for _, id in others]
            found.append(fields)
        names = names or elsewhere
        if len(names | elsewhere) > 1:
            raise Invalid(
                f"the plan names several repositories: {', '.join(sorted(names | elsewhere))}",
                "create in one repository at a time, then link the issues",
            )
        member, store = self._chosen(names.pop() if names else "")
        return store.create_issues(self._as(by, member, store), found, rk=rk)

    def update_issue(
        self, by: Signer, id: str, what: Mapping[str, Any], *, rk: str = "", expect: Sequence[str] = ()
    ) -> str:
        """Change fields of an issue; its parent lies in the same repository."""
        member, store, full = self._at(id)
        given = dict(what)
        if given.get("parent") and given["parent"] != "none":
            given["parent"] = self._beside(given["parent"], member)
        return store.update_issue(self._as(by, member, store), full, given, rk=rk, expect=expect)

    def comment(self, by: Signer, id: str, body: str, *, rk: str = "", expect: Sequence[str] = ()) -> str:
        """Add a comment."""
        return self._write(by, id, lambda store, by, full: store.comment(by, full, body, rk=rk, expect=expect))

    def link(self, by: Signer, id: str, kind: str, other: str, *, remove: bool = False, rk: str = "") -> str:
        """Add or remove a link from one issue to another, which may lie in another repository unless it is the parent."""
        member, store, full = self._at(id)
        if kind == "parent":
            other, away = self._beside(other, member), False
        else:
            try:
                there, _, other = self._find(other)
                away = there is not member
            except NotFound:
                if not remove or len(other) != 40:
                    raise
                away = True  # its repository is gone; the link can go as well
        return store.link(self._as(by, member, store), full, kind, other, remove=remove, rk=rk, away=away)

    def resolve(
        self, by: Signer, id: str, field: str, value: Any = None, *, take: str = "", rk: str = "",
        expect: Sequence[str] = (),
    ) -> str:  # fmt: skip
        """Settle a conflict: the field or text is `value` from now on, or what `take` names."""
        return self._write(
            by, id, lambda store, by, full: store.resolve(by, full, field, value, take=take, rk=rk, expect=expect)
        )

    def claim(
        self, by: Signer, id: str = "", *, text: str = "", lease_seconds: int = 0, rk: str = "",
        expect: Sequence[str] = (),
    ) -> str:  # fmt: skip
        """Claim the named issue, or the best ready one of all repositories; exactly one caller wins."""

        def take(store: IssueStore, by: Signer, full: str) -> str:
            return store.claim(by, full, lease_seconds=lease_seconds, rk=rk, expect=expect)

        if id:
            return self._write(by, id, take)
        if rk and (before := self._wrote(by, rk)):
            return before
        for _ in range(_TRIES):
            page = self.list_issues(text, limit=1, me=self.handle(by), terms=[Term("is", ("ready",))])
            if not page["items"]:
                break
            try:
                return self._write(by, page["items"][0]["id"], take)
            except Conflict:  # somebody was faster: take the next
                continue
        raise NotFound("no issue is ready", "everything is done, claimed, deferred or blocked", code="nothing_ready")

    def release(self, by: Signer, id: str, reason: str = "", *, rk: str = "", expect: Sequence[str] = ()) -> str:
        """Give a claim back."""
        return self._write(by, id, lambda store, by, full: store.release(by, full, reason, rk=rk, expect=expect))

    def finish(
        self, by: Signer, id: str, summary: str = "", evidence: Sequence[Mapping[str, str]] = (), *, rk: str = ""
    ) -> str:
        """Move to done with a summary and evidence, and release the claim."""
        return self._write(by, id, lambda store, by, full: store.finish(by, full, summary, evidence, rk=rk))

    # inside

    def _open(self) -> list[tuple[Member, IssueStore]]:
        return [(member, cast(IssueStore, reader)) for member, reader in self._members.present()]

    def _at(self, id: str) -> tuple[Member, IssueStore, str]:
        member, reader, full = self._find(id)
        return member, cast(IssueStore, reader), full

    def _write(self, by: Signer, id: str, act: Callable[[IssueStore, Signer, str], T]) -> T:
        member, store, full = self._at(id)
        return act(store, self._as(by, member, store), full)

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

    def _chosen(self, name: str) -> tuple[Member, IssueStore]:
        if not name:
            if len(names := self._members.names) != 1:
                there = ", ".join(names) or "none yet: `tracker workspace add PATH`"
                raise Invalid("it does not say in which repository", f"name the repository; there is {there}")
            name = names[0]
        member, reader = self._repository(name)
        return member, cast(IssueStore, reader)

    def _other(self, id: str, refs: set[str]) -> tuple[str, str]:
        """Return where an issue lies that a plan names, and its full id; names within the plan stay as they are."""
        if id.removeprefix("#") in refs or id.startswith("#"):
            return "", id
        member, _, full = self._find(id)
        return member.name, full

    def _beside(self, id: str, member: Member) -> str:
        there, _, full = self._find(id)
        if there is not member:
            raise Invalid(
                f"a parent lies in the same repository, and {id} is in {there.name}", "link it as relates or blocks"
            )
        return full

    def _wrote(self, by: Signer, rk: str) -> str:
        for member, store in self._open():
            issuer = self._as(by, member, store).issuer
            if found := store.ask(lambda db, issuer=issuer: away.wrote(db, issuer, rk)):  # type: ignore[misc]
                return found[0]
        return ""

    def _nothing(self) -> TrackerError:
        away = [standing for standing in self.repositories() if standing.state != "ok"]
        if away:
            return NotFound(f"no repository of the workspace can be used: {away[0].name}: {away[0].reason}")
        return NotFound("the workspace has no repositories", "`tracker workspace add PATH`", code="no_repository")


def _sid(person: Signer, sid: str) -> str:
    """Return the id of a session under the key that its person has in another repository: the same where that is the same."""
    return session_id(person.identity.key, bytes.fromhex(sid[:8]))
