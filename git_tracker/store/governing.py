"""Who may do what: keys of people, sessions of agents, and the trust log that binds them.

Every change here is one signed entry of the trust log; what it means is decided by `trust` alone.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from git_tracker.errors import Conflict, Invalid, NotFound, Refused, TrackerError
from git_tracker.store import membership, pin, policy, refs, sshwire
from git_tracker.store import scope as scopes
from git_tracker.store.identity import Identity, Signer, is_session_of
from git_tracker.store.index import governed, people, read, schema
from git_tracker.store.issue import Json, stamp
from git_tracker.store.keystore import Source
from git_tracker.store.lock import held
from git_tracker.store.membership import Member
from git_tracker.store.scope import Scope
from git_tracker.store.vouching import Voucher
from git_tracker.store.writing import Writing

_RETRIES = 5

Decision = Callable[[], tuple[Mapping[str, Any], Iterable[str]]]  # an event, and what it has seen besides


class Governor(Voucher):
    """The people and sessions of one tracker."""

    # people

    @property
    def members(self) -> list[Member]:
        return list(self._projection.trust.members.values())

    def init(self, person: str = "", key: Source | None = None) -> tuple[Signer, bool]:
        """Make this a tracker: a key for the person (`key`, or one made for this device), a trust root, its pin.

        Harmless when repeated. Returns the person's signer and whether anything was new.
        """
        self._require_writable()
        name, email = self._objects.person()
        person = person or membership.handle_for(name, email)
        if not membership.is_handle(person):
            raise Invalid(f"{person!r} cannot be a person's handle", "use up to 32 of a-z, 0-9 and -")
        os.makedirs(os.path.join(self.place.common, "refs/git-tracker/issues"), exist_ok=True)
        new = self.keyring.settle(person, key, self._entropy)
        signer = self.keyring.signer(person, name, email)
        with self._lock, held(self._lock_path):
            self._catch_up(force=True)
            self._objects.write_empty_tree()
            if not self.root:
                root = Member(person, name, email, signer.identity.key, "owner", "")
                tip = self._objects.target(refs.TRUST)
                event = membership.root_event(root, self._entropy(16).hex())
                self._pin(
                    (tip and pin.oldest(self._projection.log, tip)) or self._commit_trust(signer, lambda: (event, ()))
                )
                new = True
        return signer, new

    def signer(self, person: str = "") -> Signer:
        """Return the signer of a person on this device: the named one, or whom git is configured for."""
        return self.keyring.signer(*self.who(person))

    def identity(self, person: str = "") -> Identity:
        """Return the identity of a person on this device, as `signer` would; their key stays locked."""
        return self.keyring.identity(*self.who(person))

    def choose_key(self, person: str, key: Source | None = None) -> None:
        """Let a person sign on this device with `key`, or with one made for it, from now on."""
        if not membership.is_handle(person):
            raise Invalid(f"{person!r} cannot be a person's handle", "use up to 32 of a-z, 0-9 and -")
        self.keyring.switch(person, key or Source("device"), self._entropy)

    def who(self, person: str = "") -> tuple[str, str, str]:
        """Return handle, name and email of a person: the named one, or whom git is configured for."""
        if not person:
            name, email = self._objects.person()
            return membership.handle_for(name, email), name, email
        member = next((member for member in self.members if member.person == person), None)
        return (person, member.name, member.email) if member else (person, person, f"{person}@tracker")

    def handle(self, signer: Signer | None = None) -> str:
        """Return what a person is called here: who `assignee:me` is. By default whom git is configured for."""
        if signer is None:
            return membership.handle_for(*self._objects.person())
        member = self._projection.trust.members.get(signer.issuer)
        return member.person if member else ""

    def delegate(
        self,
        person: Signer,
        *,
        client: str,
        label: str,
        valid_seconds: int = 86400,
        scope: Scope | None = None,
        sid: str = "",
    ) -> Signer:
        """Return the signer of a new agent session, certified by a person's key. Its key lives in memory only.

        With `sid` an existing session gets a further key and certificate. `scope` is what it may do (see `scope`).
        """
        self._require_member(person)
        member = self._projection.trust.members[person.issuer]
        if sid and not is_session_of(person.identity.key, sid):
            raise Refused("that session is not one of yours", "start a new one", code="no_session")
        if sid and self._projection.trust.is_revoked(sid, person.identity.key):
            raise Refused("the session was revoked", "start a new one with session_start", code="session_revoked")
        now = self._clock() // 10**9
        return person.delegate(
            sid=sid or self._ask(lambda db: governed.new_session(db, person.identity.key, self._entropy)),
            person=member.person, client=client, label=label,
            serial=int.from_bytes(self._entropy(6), "big"), valid=(now - 60, now + valid_seconds),
            seed=self._entropy(32), nonce=self._entropy(32), scope=scopes.text(self.full_scope(scope or {})),
        )  # fmt: skip

    def full_scope(self, scope: Scope) -> dict[str, Any]:
        """Return a scope in its one form, its ids in full, and for a `query` the issues that it finds now."""

        def find(query: str, limit: int) -> list[str]:
            return [str(row["id"]) for row in self.list_issues(query, limit=limit)["items"]]

        return scopes.expanded(scope, lambda id: read.resolve(self.reader, id), find)

    # the trust log

    def trust_log(self) -> list[dict[str, Json]]:
        """Return every entry of the trust log, oldest first, and whether it counts."""
        self.refresh()
        known = self._projection.trust
        entries = self._projection.log.read_trust(self._projection.trust_tips)
        return [
            {
                "entry": entry.id, "at": stamp(entry.seconds), "counts": entry.id in known.valid,
                "by": known.added[proof.key][0].member.person if proof.key in known.added else "",
                "events": [dict(event) for event in entry.envelope.events],
            }
            for entry, proof in sorted(entries, key=lambda item: (item[0].envelope.hlc, item[0].id))
        ]  # fmt: skip

    def add_member(self, by: Signer, key: str, person: str, name: str, email: str, role: str = "writer") -> str:
        """Let a person's key in (`ssh-ed25519 AAAA…`); what it wrote before and is here counts from now on."""
        if role not in membership.ROLES:
            raise Invalid(f"no role named {role!r}", f"use one of {', '.join(membership.ROLES)}")
        if not membership.is_handle(person):
            raise Invalid(f"{person!r} cannot be a person's handle", "use up to 32 of a-z, 0-9 and -")
        raw = sshwire.parse_public_line(key)
        if any(member.person == person and member.key != raw and member.name != name for member in self.members):
            raise Conflict(f"{person} is somebody else here", "choose another handle", code="handle_taken")
        member = Member(person, name or person, email, raw, role, "")
        return self._govern(by, lambda: (membership.member_added(member, governed.chains_of(self._db, raw)), ()))

    def remove_member(self, by: Signer, person: str) -> list[str]:
        """Remove all keys of a person, or the one with the given fingerprint (a lost device).

        What they wrote and is here stays, nothing later enters.
        """
        keys = [member.key for member in self.members if person in (member.person, member.fingerprint)]
        if not keys:
            raise NotFound(f"no member {person!r}", "`tracker trust list` shows the members")
        if not any(member.role == "owner" and member.key not in keys for member in self.members):
            raise Refused(f"{person} is the last owner", "let another owner in first", code="last_owner")
        return [self._govern(by, self._removal(key)) for key in keys]

    def revoke(self, by: Signer, session: str) -> str:
        """End a session (one that never wrote here: by its full id): nothing later of it counts, whatever date it claims."""
        self.refresh()
        sid, issuer = governed.session(self.reader, session, self._projection.trust.added)
        return self._govern(
            by, lambda: (membership.session_revoked(sid, issuer, governed.chains_of_session(self._db, sid)), ())
        )

    def adopt(self, by: Signer, entries: Sequence[str]) -> str:
        """Let muted entries count; ids or unique prefixes."""
        self.refresh()
        ids = [governed.muted(self.reader, entry) for entry in entries]
        return self._govern(by, lambda: (membership.adopted(ids), ()))

    def join(self, by: Signer, root: str) -> str:
        """Let another tracker's root, whose log has been fetched, and its members count here."""
        tips = [id for name, id in refs.listing(self.place.common).items() if refs.is_trust(name)]
        tip = next((tip for tip in tips if self._objects.descends_or_is(tip, root)), None)
        if tip is None:
            raise NotFound(f"the log of the root {root[:12]} is not here", "fetch it first")
        return self._govern(by, lambda: (membership.root_joined(root), (tip,)))

    @property
    def policy(self) -> Mapping[str, Any]:
        """The rules of the latest policy; empty where there is none."""
        self.refresh()
        return self._projection.trust.policy_at(self._projection.trust.heads)

    def set_policy(self, by: Signer, rules: Mapping[str, Any]) -> str:
        """Bind every clone to rules: `people_only` operations, who may move to done (`done_by`), whether with a `review`."""
        policy.check(rules)
        return self._govern(by, lambda: (membership.policy(rules), ()))

    def sessions(self) -> list[dict[str, Json]]:
        """Return every agent session that wrote here, with its scope, validity, and whether it was revoked."""
        revoked = self._revoked()
        found = [
            (agent, people.delegation(self.reader, agent["id"])) for agent in self._everybody() if agent["session"]
        ]
        return [
            {**agent, **given, "revoked": (agent["session"], given["person_key"]) in revoked}
            for agent, given in found
            if given
        ]

    # inside

    def _everybody(self) -> Iterator[dict[str, Json]]:
        page = self.agents(limit=people.MAX_LIMIT)
        yield from page["items"]
        while page["next"]:
            page = self.agents(limit=people.MAX_LIMIT, cursor=page["next"])
            yield from page["items"]

    def _removal(self, key: bytes) -> Decision:
        return lambda: (membership.member_removed(key, governed.chains_of(self._db, key)), ())

    def _govern(self, by: Signer, decide: Decision) -> str:
        """Write one entry of the trust log on its newest state, and let it take effect."""
        self._require_writable()
        self._require_member(by)
        if by.delegation is not None:
            raise Refused("only a person's own key can change who is trusted", code="not_allowed")
        for _ in range(_RETRIES):
            with self._lock, held(self._lock_path):
                self._publisher.settle()
                self._catch_up(force=False)
                try:
                    id = self._commit_trust(by, decide)
                except schema.Error as error:  # before anything was published
                    if not schema.is_damage(error):
                        raise self._failed(error) from error
                    self._attach(damaged=True)
                    continue
                self._publisher.settle()
                try:
                    self._catch_up(force=True)
                except TrackerError:  # it stands in git, and whoever reads next brings the index up to date
                    self._stale = True
            self._ring()
            return id
        raise Conflict("the trust log kept moving while it was written", "try again", code="busy")

    def _commit_trust(self, signer: Signer, decide: Decision) -> str:
        id = ""
        try:
            self._db.execute("begin immediate")
            writing = Writing(self._projection, signer, "", self._clock, self._entropy)
            event, more = decide()
            made = writing.trust(event, list(more))
            numbered = self._publisher.journal(writing.records)
            id = made
            self._projection.journaled(numbered[-1][0])
            self._db.execute("commit")
        except BaseException as error:
            schema.roll_back(self._db)
            self._stale = True
            if not (id and isinstance(error, schema.Error)):
                raise
        return id

    def _require_member(self, by: Signer) -> None:
        if by.issuer not in self._projection.trust.members:
            self.refresh(force=True)  # somebody else may have made this a tracker, or let them in
            if by.issuer not in self._projection.trust.members:
                raise self._stranger(by)

    def _stranger(self, signer: Signer) -> Refused:
        if not self.root:
            return Refused("this repository has no tracker yet", "run `tracker init`", code="not_initialized")
        return Refused(
            f"{signer.identity.name} is no member of this tracker",
            f"an owner can run `tracker trust add {sshwire.public_line(signer.issuer)!r}`",
            code="not_a_member",
        )

    def _pin(self, root: str) -> None:
        pin.save(self.home, root)
        self._projection.pin(root)
        self._catch_up(force=True)
