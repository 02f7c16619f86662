"""A workspace that also writes: each change goes to the one repository it names, signed there as everywhere else."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, cast

from git_tracker.errors import Conflict, Invalid, NotFound
from git_tracker.store.identity import Signer
from git_tracker.store.index import away
from git_tracker.store.query import Term
from git_tracker.store.store import IssueStore
from git_tracker.store.workspace.company import Company
from git_tracker.store.workspace.members import Member

T = TypeVar("T")
_TRIES = 20
_NAMING = ("parent", "blocked_by", "relates", "discovered_from")


class Workspace(Company):
    """Several repositories as one store."""

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

    def _at(self, id: str) -> tuple[Member, IssueStore, str]:
        member, reader, full = self._find(id)
        return member, cast(IssueStore, reader), full

    def _write(self, by: Signer, id: str, act: Callable[[IssueStore, Signer, str], T]) -> T:
        member, store, full = self._at(id)
        return act(store, self._as(by, member, store), full)

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
