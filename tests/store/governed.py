"""Trust logs made by hand, two clones that exchange what they have, and a second, naive reading of trust and verdicts."""

import os
import random
import subprocess
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from git_tracker.store import IssueStore, Signer, SyncEngine, membership
from git_tracker.store.chains import Chains, Link
from git_tracker.store.entry import Entry, Envelope
from git_tracker.store.identity import Delegation, Proof
from git_tracker.store.membership import Member, Seen
from git_tracker.store.trust import Trust
from git_tracker.store.verdicts import Judgement, Place, judge
from tests.store.forge import SECONDS, Forge

Event = dict[str, Any]
Verdicts = dict[str, tuple[str, str]]

# events of the trust log


def member(by: Signer, person: str, role: str = "writer", seen: Iterable[Seen] = ()) -> Event:
    who = by.identity
    return membership.member_added(Member(person, who.name, who.email, who.key, role, ""), seen)


def removed(by: Signer, *seen: Seen) -> Event:
    return membership.member_removed(by.identity.key, seen)


def revoked(session: Signer, *seen: Seen, person: Signer | None = None) -> Event:
    return membership.session_revoked(session.sid, person.identity.key if person else session.issuer, seen)


def end(by: Signer, n: int, id: str) -> Seen:
    """Where a chain ended for whoever cites it."""
    return Seen(by.identity.key.hex(), n, id)


class TrustForge(Forge):
    """Puts entries of any shape and ancestry into a tracker's trust log, and looks at what becomes of issues."""

    def say(self, by: Signer, *events: Event, after: Sequence[str] = (), **changed: Any) -> str:
        """Write an entry of the trust log, not yet in its ref, that has seen what `after` names (the root)."""
        parents = sorted(after or (self.store.root,))
        return self.add(by, list(events), parents, **{"auth": tuple(parents), **changed})

    def show(self, by: Signer, *heads: str) -> str:
        """Make the ref of the trust log reach all of them."""
        tip = heads[0] if len(heads) == 1 else self.say(by, membership.adopted(()), after=heads)
        self.git("update-ref", "refs/git-tracker/trust", tip)
        self.store.refresh(force=True)
        return tip

    def write(self, by: Signer, issue: str, event: Event, *, on: str = "", **changed: Any) -> str:
        """Add an entry to an issue as its newest one."""
        tip = self.git("rev-parse", "--verify", "--quiet", f"refs/git-tracker/issues/{issue}", check=False)
        id = self.add(by, [event], [on or tip or issue], **changed)
        self.point(issue, id) if not on else self.git("update-ref", f"refs/git-tracker/keep/{id}", id)
        return id

    @property
    def members(self) -> dict[str, str]:
        return {member.person: member.role for member in self.store.members}


def verdicts(store: IssueStore) -> Verdicts:
    """Every entry of every issue: its verdict and the reason."""
    store.refresh()
    rows = store.reader.execute("select id, verdict, reason from entries where issue != 0")
    return {row[0]: (row[1], row[2]) for row in rows}


def settled(store: IssueStore) -> Verdicts:
    """Return the verdicts, once git alone says what the index came to step by step, and `verify` says the same."""
    before = verdicts(store)
    issues = sorted(store.every_issue(), key=lambda issue: str(issue["id"]))
    problems = store.verify()["problems"]
    assert [item for item in problems if item["kind"] == "index"] == []
    named = {item["entry"]: (item["verdict"], item["reason"]) for item in problems if item["kind"] == "entry"}
    assert named == {id: found for id, found in before.items() if found[0] != "ok"}
    store.rebuild()
    assert verdicts(store) == before
    assert sorted(store.every_issue(), key=lambda issue: str(issue["id"])) == issues
    return before


# exchange


def exchange(source: IssueStore, target: IssueStore) -> None:
    """Bring what one clone has to another, through a bare repository between the two."""
    hub = os.path.join(source.place.home, "hub.git")
    name = f"to-{os.stat(source.place.common).st_ino}"
    if not os.path.exists(hub):
        subprocess.run(["git", "init", "--quiet", "--bare", hub], check=True)
    for store in (source, target):
        subprocess.run(["git", "--git-dir", store.place.common, "remote", "add", name, hub], capture_output=True)
    SyncEngine(source).sync(source.signer(), name)
    SyncEngine(target).sync(None, name)


def clone(source: IssueStore, folder: Any) -> IssueStore:
    """A second clone of a tracker."""
    subprocess.run(["git", "init", "--quiet", folder], check=True)
    subprocess.run(
        ["git", "-C", folder, "fetch", "--quiet", source.place.common, "refs/git-tracker/*:refs/git-tracker/*"], check=True
    )  # fmt: skip
    return IssueStore.open(str(folder))


# random trust logs, and entries that cite them


class Case(NamedTuple):
    """A trust log and entries of issues, in no particular order; `before` and `under` are what a `Place` tells."""

    root: str
    log: list[tuple[Entry, Proof]]
    entries: list[tuple[Entry, Proof, Place]]


DONE = {"type": "status-changed", "to": "done", "category": "done"}


class Dice:
    """Makes cases. Ids are made up, so anything can cite anything."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.keys = [bytes([65 + number]) * 32 for number in range(6)]
        self.people = ["ada", "bob", "cem", "dee", "eve", "fay"]

    def id(self) -> str:
        return f"{self.dice.getrandbits(160):040x}"

    def case(self, size: int = 12, count: int = 14) -> Case:
        dice = self.dice
        roots, ids = [self.id(), self.id()], [self.id() for _ in range(count)]
        chains = [self.person(key) for key in self.keys[:4]] + [self.session() for _ in range(3)]
        self.ends = [
            Seen(dice.choice(chains).key.hex(), dice.randint(0, 4), dice.choice(ids)) for _ in range(count)
        ]  # fmt: skip
        entries = self.entries(roots, ids, chains)
        real = [Seen(proof.key.hex(), entry.envelope.n, entry.id) for entry, proof, _ in entries]
        self.ends += real * 4
        log = [
            self.entry(roots[number], (), [self.root(number)], Proof(self.keys[number * 5], None)) for number in (0, 1)
        ]
        log.append(self.entry(self.id(), (roots[0],), [self.add(1, "maintainer")], Proof(self.keys[0], None)))
        for _ in range(dice.randint(1, size)):
            known = [entry.id for entry, _ in log]
            parents = tuple(
                sorted(set(dice.choices(known, weights=range(1, len(known) + 1), k=dice.choice((1, 1, 2)))))
            )
            said = [self.event(roots, ids) for _ in range(dice.choice((1, 1, 1, 2)))]
            by: Proof = (
                self.person(dice.choice(self.keys[:4] + self.keys[5:])) if dice.random() < 0.95 else self.session()
            )
            log.append(self.entry(self.id(), parents, said, by))
        known = [entry.id for entry, _ in log]
        return Case(roots[0], log, [self.citing(found, known, roots) for found in entries])

    def entries(self, roots: list[str], ids: list[str], chains: list[Proof]) -> list[tuple[Entry, Proof, Place]]:
        dice, last = self.dice, dict[bytes, list[tuple[int, str]]]()
        found = []
        for id in ids:
            by = dice.choice(chains)
            ends = last.setdefault(by.key, [])
            n, prev = dice.choice(ends) if ends and dice.random() < 0.2 else ends[-1] if ends else (-1, None)
            ends.append((n + 1, id))
            what: Event = dice.choice(({"type": "label-added"}, {"type": "comment-added"}, DONE))
            sid = by.delegation.sid if by.delegation and dice.random() < 0.95 else ""
            made = Envelope([what], (1, 0), n + 1, prev, dice.choice([roots[0]] * 9 + [roots[1]]), (), "", sid)
            seconds = SECONDS if dice.random() < 0.9 else SECONDS + 10**6
            entry = Entry(id, (), "", seconds, made, b"", "")
            found.append((entry, by, Place(dice.choice("xyz"), (), dice.choice((None, "p")))))
        return found

    def citing(
        self, found: tuple[Entry, Proof, Place], known: list[str], roots: list[str]
    ) -> tuple[Entry, Proof, Place]:
        entry, by, place = found
        dice = self.dice
        late = range(1, len(known) + 1)
        auth = dice.choices(known, weights=late, k=dice.choice((1, 1, 2))) if dice.random() < 0.95 else [self.id()]
        before = (tuple(dice.choices(known, k=1)),) if dice.random() < 0.3 else ()
        envelope = entry.envelope._replace(auth=tuple(sorted(set(auth))))
        return entry._replace(envelope=envelope), by, place._replace(before=before)

    def person(self, key: bytes) -> Proof:
        return Proof(key, None)

    def session(self) -> Proof:
        dice, number = self.dice, self.dice.randrange(3)
        key = bytes([97 + number]) * 32
        issuer = self.keys[number]
        person = self.people[number] if dice.random() < 0.9 else "eve"
        scope = dice.choice(("", "", '{"operations":["label"]}', '{"issues":["x"]}', '{"parent":"p"}'))
        valid = (SECONDS - 60, SECONDS + 86400)
        return Proof(key, Delegation(f"s{dice.randrange(2)}", person, "c/1", "l", key, issuer, number, *valid, scope))

    def entry(self, id: str, parents: tuple[str, ...], events: list[Event], by: Proof) -> tuple[Entry, Proof]:
        return Entry(id, parents, "", 0, Envelope(events, (len(parents), 0), 0, None, "", parents), b"", ""), by

    def root(self, number: int) -> Event:
        return membership.root_event(self.named(number * 5, "owner"), "00")

    def named(self, number: int, role: str) -> Member:
        return Member(self.people[number], "N", "e", self.keys[number], role, "")

    def add(self, number: int, role: str) -> Event:
        return membership.member_added(self.named(number, role), self.some_ends())

    def some_ends(self) -> list[Seen]:
        return self.dice.sample(self.ends, k=min(len(self.ends), self.dice.choice((0, 1, 6))))

    def event(self, roots: list[str], ids: list[str]) -> Event:
        dice = self.dice
        number = dice.randrange(6)
        match dice.choice(("add", "add", "add", "remove", "remove", "revoke", "adopt", "policy", "join")):
            case "add":
                return self.add(number, dice.choice(("owner", "maintainer", "maintainer", "writer", "observer")))
            case "remove":
                return membership.member_removed(self.keys[number], self.some_ends())
            case "revoke":
                key = self.keys[dice.randrange(3)]
                return membership.session_revoked(f"s{dice.randrange(2)}", key, self.some_ends())
            case "adopt":
                return membership.adopted(dice.sample(ids, k=1))
            case "policy":
                return membership.policy(
                    dice.choice(({"people_only": ["label"]}, {"done_by": "people"}, {"done_by": "maintainers"}))
                )
            case _:
                return membership.root_joined(dice.choice(roots))


def judged(trust: Trust, entries: Iterable[tuple[Entry, Proof, Place]]) -> dict[str, Judgement]:
    """What the program says about each entry."""
    entries = list(entries)
    chains = Chains(lambda chain: (), lambda id: None)
    for entry, proof, _ in entries:
        found = entry.envelope
        chains.add(proof.key.hex(), Link(entry.id, found.n, found.prev, found.auth))
    return {entry.id: judge(trust, entry, proof, place, chains.on_chain) for entry, proof, place in entries}


# the second reading: docs/FORMAT.md, rules 6.1 to 6.3, word by word, with plain sets


def operation(entry: Entry) -> str:
    return str(entry.envelope.events[0]["type"]).removesuffix("-added").removesuffix("-changed")


STEPS = {"observer": 0, "writer": 1, "maintainer": 2, "owner": 3}


class Naive:
    def __init__(self, root: str, log: Iterable[tuple[Entry, Proof]]) -> None:
        entries = {entry.id: (entry, proof) for entry, proof in log}
        self.root = root
        self.past: dict[str, set[str]] = {}

        def whole(id: str) -> set[str] | None:
            if id not in self.past and id in entries:
                above = [whole(parent) for parent in entries[id][0].parents]
                if None not in above:
                    self.past[id] = {id}.union(*(past for past in above if past))
            return self.past.get(id)

        for id in entries:
            whole(id)
        ours = set[str]().union(*(past for past in self.past.values() if root in past))
        self.past = {id: past for id, past in self.past.items() if id in ours}
        self.said = {id: tuple(entries[id][0].envelope.events) for id in self.past}
        self.by = {id: entries[id][1].key for id in self.past if entries[id][1].delegation is None}
        self.parentless = {id for id in self.past if not entries[id][0].parents}
        self.order = sorted(self.past, key=lambda id: (len(self.past[id]), id))
        self.joined: set[str] = set()
        self.rank: dict[bytes, Any] = {}
        earlier: dict[bytes, Any] = {}
        for number in range(len(entries) + 1):
            self.counted, self.rank = self.settle(number, earlier)
            more = {
                str(event["root"]) for id in self.counted for event in self.said[id] if event["type"] == "root-joined"
            } & self.past.keys() - self.joined  # fmt: skip
            if not more:
                break
            self.joined |= more
            earlier = self.rank

    def settle(self, number: int, earlier: dict[bytes, Any]) -> tuple[set[str], dict[bytes, Any]]:
        effective: list[tuple[str, bytes, str]] = []
        idle: list[tuple[str, bytes, str]] = []
        groundless: set[str] = set()
        while True:
            void = groundless | {other for removal in effective for other in self.kills(*removal)}
            counted, rank = self.go_through(void, number, earlier)
            lost = [removal for removal in effective if removal[0] not in counted]
            if lost:
                groundless |= {id for id, _, _ in lost}
                effective = [removal for removal in effective if removal not in lost]
                continue
            lost = [one for one in effective if one[2] and not self.lowers(*one, counted, rank)]
            if lost:
                idle += lost
                effective = [one for one in effective if one not in lost]
                continue
            left = [
                (rank[self.by[id]], id, membership.key_of(event), event.get("role", ""))
                for id in counted
                for event in self.said[id]
                if event["type"] in ("member-removed", "member-added")
            ]
            left = [
                one
                for one in left
                if one[1:] not in [*effective, *idle] and (not one[3] or self.lowers(*one[1:], counted, rank))
            ]
            if not left:
                return counted, rank
            effective.append(min(left)[1:])

    def kills(self, removal: str, key: bytes, role: str) -> set[str]:
        return {
            id
            for id, by in self.by.items()
            if by == key and removal not in self.past[id] and id not in self.past[removal]
            and not (role and all(self.suits(role, event, key) for event in self.said[id]))
        }  # fmt: skip

    def lowers(self, id: str, key: bytes, role: str, counted: set[str], rank: dict[bytes, Any]) -> bool:
        before = self.grant(key, (self.past[id] - {id}) & counted, rank)
        return before is not None and STEPS[role] < STEPS[before["role"]]

    def suits(self, role: str, event: Event, by: bytes) -> bool:
        match event["type"]:
            case "root":
                return True
            case "member-added" if event["role"] == "owner":
                return STEPS[role] == 3
            case "member-added" | "member-removed" | "policy":
                return STEPS[role] >= 2
            case "session-revoked":
                return STEPS[role] >= 2 or membership.key_of(event, "person") == by
            case "adopted":
                return STEPS[role] >= 1
            case _:
                return STEPS[role] == 3

    def go_through(self, void: set[str], number: int, earlier: dict[bytes, Any]) -> tuple[set[str], dict[bytes, Any]]:
        counted: set[str] = set()
        rank = dict(earlier)
        for id in self.order:
            if id in self.by and id not in void and all(self.may(id, event, counted, rank) for event in self.said[id]):
                counted.add(id)
                for place, event in enumerate(self.said[id]):
                    if event["type"] in ("root", "member-added"):
                        depth = 0 if id == self.root else len(self.past[id])
                        rank.setdefault(membership.key_of(event), (number, depth, id, place))
        return counted, rank

    def may(self, id: str, event: Event, counted: set[str], rank: dict[bytes, Any]) -> bool:
        key, kind = self.by[id], event["type"]
        if kind == "root":
            return id in self.parentless and id in {self.root, *self.joined} and membership.key_of(event) == key
        seen = self.past[id] & counted
        as_ = self.grant(key, seen, rank)
        if as_ is None:
            return False
        governs = as_["role"] in ("owner", "maintainer")
        if kind == "root-joined":
            return bool(as_["role"] == "owner")
        if kind == "policy":
            return governs
        if kind == "adopted":
            return bool(as_["role"] != "observer")
        if kind == "session-revoked":
            return governs or membership.key_of(event, "person") == key
        other = membership.key_of(event)
        below = other == key or other not in rank or rank[other] >= rank[key]
        if kind == "member-removed":
            return governs and below
        allowed = governs and (event["role"] != "owner" or as_["role"] == "owner")
        return allowed and (below or self.grant(other, seen, rank) is None)

    def grant(self, key: bytes, seen: set[str], rank: dict[bytes, Any]) -> Event | None:
        told = [
            (rank.get(self.by[id], (1 << 60,)), id, -place, event)
            for id in seen
            for place, event in enumerate(self.said[id])
            if event["type"] in ("root", "member-added", "member-removed") and membership.key_of(event) == key
        ]
        removals = {id for _, id, _, event in told if event["type"] == "member-removed"}
        standing = [one for one in told if one[3]["type"] != "member-removed" and removals <= self.past[one[1]]]
        latest = [one for one in standing if not any(one[1] in self.past[o[1]] - {o[1]} for o in standing)]
        return min(latest, key=lambda one: one[:3])[3] if latest else None

    def judge(self, entries: Sequence[tuple[Entry, Proof, Place]]) -> dict[str, str]:
        self.links = {(proof.key, entry.id): entry.envelope for entry, proof, _ in entries}
        return {entry.id: self.verdict(entry, proof, place) for entry, proof, place in entries}

    def verdict(self, entry: Entry, proof: Proof, place: Place) -> str:
        envelope, issuer = entry.envelope, proof.issuer
        if envelope.repo not in {self.root, *self.joined} or not set(envelope.auth) <= self.past.keys():
            return "waiting"
        told = [(id, event) for id in self.order if id in self.counted for event in self.said[id]]
        if any(event["type"] == "adopted" and entry.id in event["entries"] for _, event in told):
            return "ok"
        seen = set().union(*(self.past[id] for id in envelope.auth)) if envelope.auth else set()
        if not all(set(before) <= seen for before in place.before):
            return "muted"
        mine = [(id, event) for id, event in told if event.get("key") and membership.key_of(event) == issuer]
        adds = [(id, event) for id, event in mine if event["type"] in ("root", "member-added")]
        as_ = self.grant(issuer, seen & self.counted, self.rank)
        unsure = False
        if as_ is None:
            for id, event in adds:
                if id not in seen and event["role"] != "observer":
                    stands = self.stands(event, entry, proof)
                    as_ = as_ or (event if stands else None)
                    unsure |= stands is None
        if as_ is None:
            return "waiting" if unsure else "muted"
        if as_["role"] == "observer":
            return "muted"
        role = least = STEPS[as_["role"]]
        for cut, event in mine:
            if event["type"] == "member-added" and self.lowers(cut, issuer, event["role"], self.counted, self.rank):
                again = [(id, later) for id, later in adds if cut in self.past[id]]
                found = [self.stands(later, entry, proof) for _, later in again]
                if not any(id in seen for id, _ in again) and True not in found:
                    least = min(least, STEPS[event["role"]])
                    role = role if None in found else min(role, STEPS[event["role"]])
        if least == 0:
            return "muted" if role == 0 else "waiting"
        for cut, event in mine:
            if event["type"] == "member-removed":
                again = [(id, later) for id, later in adds if cut in self.past[id]]
                if any(id in seen for id, _ in again):
                    continue
                found = [self.stands(one, entry, proof) for one in (event, *(later for _, later in again))]
                if True not in found:
                    return "waiting" if None in found else "muted"
        for _, event in told:
            if proof.delegation and event["type"] == "session-revoked" and event["sid"] == proof.delegation.sid:
                if membership.key_of(event, "person") == issuer:
                    stands = self.stands(event, entry, proof)
                    if not stands:
                        return "waiting" if stands is None else "muted"
        if not self.delegated(entry, proof, place, as_) or not self.fits(entry, proof, seen, role):
            return "muted"
        return "ok" if self.fits(entry, proof, seen, least) else "waiting"

    def stands(self, event: Event, entry: Entry, proof: Proof) -> bool | None:
        unsure = False
        for cited in event.get("seen", ()):
            if cited["chain"] != proof.key.hex() or entry.envelope.n > cited["n"]:
                continue
            at = cited["id"]
            while at is not None and at != entry.id and (proof.key, at) in self.links:
                at = self.links[proof.key, at].prev
            if at == entry.id and (proof.key, at) in self.links:
                return True
            unsure |= at is not None
        return None if unsure else False

    def delegated(self, entry: Entry, proof: Proof, place: Place, as_: Event) -> bool:
        given = proof.delegation
        if given is None:
            return entry.envelope.sid == ""
        if given.person != as_["person"] or given.sid != entry.envelope.sid:
            return False
        if not given.valid_after - 600 <= entry.seconds < given.valid_before + 600:
            return False
        return {
            "": True, '{"operations":["label"]}': operation(entry) == "label", '{"issues":["x"]}': place.issue == "x",
            '{"parent":"p"}': "p" in (place.issue, place.parent),
        }[given.scope]  # fmt: skip

    def fits(self, entry: Entry, proof: Proof, seen: set[str], role: int) -> bool:
        told = [
            event["rules"]
            for id in self.order
            if id in self.counted & seen
            for event in self.said[id]
            if event["type"] == "policy"
        ]
        rules = told[-1] if told else {}
        if entry.envelope.events[0]["type"] == "status-changed" and rules.get("done_by"):
            return proof.delegation is None and (rules["done_by"] == "people" or role >= 2)
        return proof.delegation is None or operation(entry) not in rules.get("people_only", ())
