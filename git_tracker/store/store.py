"""The store: the one way in for every change and the one way out for news (DESIGN, sections 1 and 6).

In: every write is decided on the state it will build on, signed, journaled, written to git, swapped in, indexed.
Out: the index grows by a sequence number and the bus rings, whoever wrote: this process, another, or a sync.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from git_tracker.errors import Invalid, NotFound, Unusable
from git_tracker.store import changes, query, repeats, resolving, verification, walfile
from git_tracker.store.governing import Governor
from git_tracker.store.identity import Signer
from git_tracker.store.index import apart, paging, people, read, schema
from git_tracker.store.issue import Json
from git_tracker.store.lock import held, queued
from git_tracker.store.progress import Progress
from git_tracker.store.publishing import Numbered
from git_tracker.store.state import State
from git_tracker.store.writing import Writing, parents_first

_RETRIES = 20


class IssueStore(Governor):
    """One repository's issues. Safe to use from several threads; any number of processes may do so at once."""

    # in; `expect` are heads the caller has seen: a write to an issue that moved on is refused

    def create_issue(self, by: Signer, fields: Mapping[str, Any], *, rk: str = "") -> str:
        """Create one issue; fields as in `create_issues`. Returns its id, as every write does."""
        return self.create_issues(by, [fields], rk=rk)[0]

    def create_issues(self, by: Signer, plan: Sequence[Mapping[str, Any]], *, rk: str = "") -> list[str]:
        """Create issues as one plan, all or none; returns their ids in the order given.

        Each item has the fields of `changes.CREATE_FIELDS` and may have `parent`, `blocked_by`, `relates`,
        `discovered_from` and `imported`; ids there may be `#name`, where `name` is the `ref` of another item.
        `repository` may say where, as in a workspace: here there is one.
        """
        plan = [self._here(item) for item in plan]

        def recall(wrote: list[tuple[str, bool]]) -> list[str]:
            made = [issue for issue, created in wrote if created]
            return [issue for _, issue in sorted(zip(parents_first(plan), made, strict=True))] if made else []

        return self._write(by, lambda writing: writing.create(plan), rk, ["create", *plan], recall)

    def update_issue(
        self, by: Signer, id: str, what: Mapping[str, Any], *, rk: str = "", expect: Sequence[str] = ()
    ) -> str:
        """Change fields as in `changes.UPDATE_FIELDS`; `expect` are the heads the caller has seen."""
        return self._change(by, id, lambda s, c: changes.update(s, what, c), rk, ["update", what], expect)

    def comment(self, by: Signer, id: str, body: str, *, rk: str = "", expect: Sequence[str] = ()) -> str:
        """Add a comment."""
        return self._change(by, id, lambda s, c: changes.comment(body), rk, ["comment", body], expect)

    def link(
        self, by: Signer, id: str, kind: str, other: str, *, remove: bool = False, rk: str = "", away: bool = False
    ) -> str:
        """Add or remove a link from one issue to another; if that is `away`, by its full id in another repository."""

        def decide(state: State, context: changes.Context) -> list[Any]:
            return changes.link(state, kind, other if away else context.resolve(other), remove)

        return self._change(by, id, decide, rk, ["link", kind, other, remove])

    def resolve(
        self, by: Signer, id: str, field: str, value: Any = None, *, take: str = "", rk: str = "",
        expect: Sequence[str] = (),
    ) -> str:  # fmt: skip
        """Settle a conflict: the field or text is `value` from now on, or what `take` names.

        That is an entry of `conflicts` (or the beginning of its id), `result` (what holds now), or `base`.
        """
        return self._change(
            by, id, lambda s, c: resolving.resolve(s, field, value, take, c), rk,
            ["resolve", field, value, *([take] if take else ())], expect,
        )  # fmt: skip

    def claim(
        self, by: Signer, id: str = "", *, text: str = "", lease_seconds: int = 0, rk: str = "",
        expect: Sequence[str] = (),
    ) -> str:  # fmt: skip
        """Claim the named issue, or the best ready one that matches a query; exactly one caller wins."""
        lease = lease_seconds or changes.LEASE_SECONDS
        if not 60 <= lease <= 7 * 86400:
            raise Invalid(f"a lease lasts from a minute to a week, not {lease} s")

        def decide(writing: Writing) -> list[str]:
            return [
                writing.change(id or self._best_ready(writing, text), lambda s, c: changes.claim(s, lease, c), expect)
            ]

        return self._write(by, decide, rk, ["claim", id, text, lease])[0]

    def release(self, by: Signer, id: str, reason: str = "", *, rk: str = "", expect: Sequence[str] = ()) -> str:
        """Give a claim back; only its holder or a person can."""
        person = by.delegation is None
        return self._change(
            by, id, lambda s, c: changes.release(s, reason, c, by_person=person), rk, ["release", reason], expect
        )

    def finish(
        self, by: Signer, id: str, summary: str = "", evidence: Sequence[Mapping[str, str]] = (), *, rk: str = ""
    ) -> str:
        """Move to done with a summary and evidence `{"kind", "value"}`, and release the claim."""
        return self._change(
            by, id, lambda s, c: changes.finish(s, summary, evidence, c), rk, ["finish", summary, *evidence]
        )

    def apply_event(self, by: Signer, id: str, *what: Any, rk: str = "") -> str:
        """Record given events as one entry; for importers and programs that know what they want."""
        return self._change(by, id, lambda s, c: list(what), rk, ["events", *(event.encode() for event in what)])

    def import_entries(self, by: Signer, decide: Callable[[Writing], list[str]], *, rk: str = "") -> list[str]:
        """Write many entries at once, all or none; `decide` drives the `Writing`. Returns what it returns."""
        return self._write(by, decide, rk, ["import"])

    # out: what `Reader` answers, and what needs git itself

    def verify(self, id: str = "", progress: Progress | None = None) -> dict[str, Json]:
        """Check every signature, chain and ref against the raw objects, not against the index."""
        self.refresh(force=True)
        full = read.resolve(self.reader, id) if id else ""
        return verification.verify(self._projection, self.place.common, full, progress)

    def verify_agent(self, name: str, issue: str = "", progress: Progress | None = None) -> dict[str, Json]:
        """Check everything one agent did, or did on one issue, and its chain against the raw objects."""
        self.refresh(force=True)
        full = read.resolve(self.reader, issue) if issue else ""
        return verification.verify_agent(self._projection, people.actor(self.reader, name), full, progress)

    def quarantined(self, entry: str) -> dict[str, Json]:
        """Return one entry that does not count, by an id or prefix: who signed it, and its raw commit as text."""
        return self._ask(lambda db: verification.inspect(self._projection, apart.one(db, entry)))

    # inside

    def _here(self, item: Mapping[str, Any]) -> Mapping[str, Any]:
        if "repository" not in item:
            return item
        if item["repository"] not in ("", self.name):
            raise NotFound(f"no repository {item['repository']!r} here", f"this is {self.name}")
        return {name: value for name, value in item.items() if name != "repository"}

    def _change(
        self, by: Signer, id: str, decide: Callable[..., list[Any]], rk: str, request: Sequence[Any],
        expect: Sequence[str] = (),
    ) -> str:  # fmt: skip
        def plan(writing: Writing) -> list[str]:
            return [writing.change(id, decide, expect)]

        return self._write(by, plan, rk, [*request, id])[0]

    def _write(
        self, by: Signer, decide: Callable[[Writing], list[str]], rk: str, request: Sequence[Any],
        recall: Callable[[list[tuple[str, bool]]], list[str]] = lambda wrote: list(dict(wrote)),
    ) -> list[str]:  # fmt: skip
        """The write path, in the order that makes it safe. `decide` may run several times.

        `recall` makes the answer to a repeated request from the issues it wrote to and whether it created them.
        """
        self._require_writable()
        self._require_member(by)
        key = repeats.key(rk, request)
        self._objects.require_own_process()
        self._publisher.ready()
        for _ in range(_RETRIES):
            numbered, prior, cue = Numbered(), list[str](), None
            with self._lock, queued(self._lock_path):
                if self._stale or self._is_replaced() or self._publisher.is_stuck():
                    self._catch_up(force=True)
                try:
                    self._db.execute("begin immediate")
                    self._projection.catch_up(self._clock())
                    prior = recall(repeats.written(self._db, by.issuer, rk, key))
                    writing = Writing(self._projection, by, key, self._clock, self._entropy)
                    result = prior or decide(writing)
                    if writing.records:
                        numbered = self._publisher.journal(writing.records)
                        self._projection.journaled(numbered[-1][0])
                    upto = numbered[-1][0] if numbered else self._publisher.standing().journaled
                    cue = self._newest(self._db)
                    self._db.execute("commit")
                    self._projection.committed()
                    self._keep_stock_git()
                except schema.Error as error:
                    schema.roll_back(self._db)
                    self._stale = True
                    if not numbered:  # else it goes into git, and whoever reads next brings the index up to date
                        if not schema.is_damage(error):
                            raise self._failed(error) from error
                        self._attach(damaged=True)
                        continue
                except BaseException:
                    schema.roll_back(self._db)
                    raise
            self._ring(cue)
            if numbered or prior:
                self._publisher.publish(upto, numbered)  # not under the lock: the next writer is at work meanwhile
            if numbered and walfile.is_due(numbered[0][0], upto):
                walfile.drain((self._index_path, self._publisher.path), lambda: held(self._lock_path))
            if numbered and self._upkeep_after and self._publisher.kept() >= self._upkeep_after:
                from git_tracker.store import upkeep  # most commands never start it

                upkeep.start(self.place, self.home)
            return result
        raise Unusable("the index was damaged again and again", "run `tracker doctor`", code="busy")

    def _best_ready(self, writing: Writing, text: str) -> str:
        now_ms = self.now_ms
        asked = query.parse(text, now_ms // 1000).limited_to(query.Term("is", ("ready",)))
        found = paging.first(self._db, asked, me=writing.context.person, now_ms=now_ms)
        if found is None:
            raise NotFound(
                "no issue is ready", "everything is done, claimed, deferred or blocked", code="nothing_ready"
            )
        return str(found["id"])
