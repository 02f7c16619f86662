"""What stands in docs/vectors/trust.json: trust logs and entries that cite them, made with fixed keys and times."""

from collections.abc import Callable, Sequence
from typing import Any

from git_tracker.store import Signer, commit, entry, identity, membership, trust
from git_tracker.store.chains import Chains
from git_tracker.store.log import EventLog, Found, links
from git_tracker.store.membership import Member, Seen
from tests.store import forge
from tests.store.governed import DONE, member, removed, revoked

NOTE = {"type": "comment-added", "body": "a note"}
NOW_MS = forge.SECONDS * 1000 + 10**6
ADA, BOB, CEM = (
    forge.signer(number, name, f"{name.lower()}@example.org") for number, name in ((1, "Ada"), (2, "Bob"), (3, "Cem"))
)


class Maker:
    """One case: a trust log below Ada's root, and the entries of one issue. Each entry comes after the ones before."""

    def __init__(self) -> None:
        self.log: list[bytes] = []
        self.entries: list[bytes] = []
        self._ends: dict[bytes, Seen] = {}
        self._count = 0
        self.root = ""
        self.root = self.begin(ADA, "ada")
        self.issue = self.write(ADA, forge.created("A leak"), [self.root])

    def begin(self, by: Signer, person: str) -> str:
        who = by.identity
        event = membership.root_event(Member(person, who.name, who.email, who.key, "owner", ""), "00" * 16)
        return self._make(self.log, by, event, (), (), repo="")

    def say(self, by: Signer, event: dict[str, Any], seen: Sequence[str]) -> str:
        return self._make(self.log, by, event, seen, seen)

    def write(self, by: Signer, event: dict[str, Any], auth: Sequence[str]) -> str:
        on = [commit.commit_id(self.entries[-1])] if self.entries else []
        return self._make(self.entries, by, event, on, auth)

    def end(self, by: Signer) -> Seen:
        """The end of somebody's chain as it stands."""
        return self._ends[by.identity.key]

    def _make(
        self, into: list[bytes], by: Signer, event: dict[str, Any], parents: Sequence[str], auth: Sequence[str], **more: Any
    ) -> str:  # fmt: skip
        self._count += 1
        last = self._ends.get(by.identity.key)
        fields = {
            "hlc": (forge.SECONDS * 1000 + self._count, 0), "n": last.n + 1 if last else 0, "prev": last.id if last else None,
            "repo": self.root, "auth": tuple(sorted(auth)), "sid": by.sid,
            "author": commit.author_line(by.identity.name, by.identity.email, forge.SECONDS),
        }  # fmt: skip
        raw = forge.signed(by, forge.unsigned([event], sorted(parents), **{**fields, **more}))
        into.append(raw)
        id = commit.commit_id(raw)
        self._ends[by.identity.key] = Seen(by.identity.key.hex(), last.n + 1 if last else 0, id)
        return id


def members_and_strangers(case: Maker) -> None:
    added = case.say(ADA, member(BOB, "bob"), [case.root])
    case.write(BOB, NOTE, [added])
    case.write(forge.session(BOB, 9, person="bob"), NOTE, [added])
    case.write(forge.session(BOB, 10, person="ada"), NOTE, [added])
    case.write(CEM, NOTE, [added])
    case.write(BOB, NOTE, ["f" * 40])


def what_the_remover_had_seen_stays(case: Maker) -> None:
    added = case.say(ADA, member(BOB, "bob"), [case.root])
    case.write(BOB, NOTE, [added])
    case.say(ADA, removed(BOB, case.end(BOB)), [added])
    case.write(BOB, NOTE, [added])


def of_two_who_remove_each_other_the_senior_stays(case: Maker) -> None:
    one = case.say(ADA, member(BOB, "bob", "maintainer"), [case.root])
    two = case.say(ADA, member(CEM, "cem", "maintainer"), [one])
    case.say(CEM, removed(BOB), [two])
    case.say(BOB, removed(CEM), [two])


def after_the_end_of_its_session(case: Maker) -> None:
    agent = forge.session(ADA, 9)
    case.write(agent, NOTE, [case.root])
    case.say(ADA, revoked(agent, case.end(agent)), [case.root])
    case.write(agent, NOTE, [case.root])


def a_lowered_role_holds_for_what_was_not_seen(case: Maker) -> None:
    one = case.say(ADA, member(BOB, "bob", "maintainer"), [case.root])
    two = case.say(ADA, member(CEM, "cem"), [one])
    case.write(CEM, NOTE, [two])
    case.say(ADA, member(BOB, "bob"), [two])
    case.say(ADA, member(CEM, "cem", "observer", [case.end(CEM)]), [two])
    case.say(BOB, removed(CEM), [two])
    case.write(BOB, NOTE, [two])
    case.write(CEM, NOTE, [two])


def policies_bind_who_has_seen_them(case: Maker) -> None:
    agent = forge.session(ADA, 9)
    case.write(agent, forge.label("before"), [case.root])
    rules = case.say(ADA, membership.policy({"people_only": ["label"], "done_by": "people"}), [case.root])
    case.write(agent, forge.label("late"), [rules])
    case.write(agent, DONE, [rules])
    case.write(ADA, DONE, [rules])


def scopes_and_times(case: Maker) -> None:
    case.write(forge.session(ADA, 9, scope='{"operations":["comment"]}'), NOTE, [case.root])
    case.write(forge.session(ADA, 10, scope='{"operations":["comment"]}'), forge.label("wet"), [case.root])
    case.write(forge.session(ADA, 11, valid=(0, forge.SECONDS - 601)), NOTE, [case.root])


def adopting_lets_a_muted_entry_count(case: Maker) -> None:
    case.say(ADA, membership.adopted([case.write(BOB, NOTE, [case.root])]), [case.root])


def another_root_says_nothing_until_it_is_joined(case: Maker) -> None:
    other = case.begin(BOB, "bob")
    joined = case.say(ADA, membership.root_joined(other), [case.root, other])
    case.write(BOB, NOTE, [joined])


CASES: tuple[Callable[[Maker], None], ...] = (
    members_and_strangers, what_the_remover_had_seen_stays, of_two_who_remove_each_other_the_senior_stays,
    after_the_end_of_its_session, a_lowered_role_holds_for_what_was_not_seen, policies_bind_who_has_seen_them,
    scopes_and_times, adopting_lets_a_muted_entry_count, another_root_says_nothing_until_it_is_joined,
)  # fmt: skip


def outcome(root: str, log: Sequence[str], issue: str, entries: Sequence[str]) -> dict[str, Any]:
    """What this implementation makes of a case, given as commits; in whatever order the trust log comes."""
    read = [_read(text.encode()) for text in entries]
    folded = trust.fold(root, [(found.entry, found.proof) for found in map(_read, (text.encode() for text in log))])  # type: ignore[misc]
    chains = Chains(lambda chain: (), lambda id: None)
    for chain, link in links(read):
        chains.add(chain, link)
    judged = EventLog(None).judge(issue, read, {}, folded, chains, NOW_MS, lambda: None)  # type: ignore[arg-type]
    return {
        "members": {one.person: one.role for one in sorted(folded.members.values())},
        "counts": sorted(folded.valid),
        "verdicts": [{"id": one.record.id, "verdict": one.verdict, "reason": one.reason} for one in judged],
    }


def _read(raw: bytes) -> Found:
    found = entry.decode(commit.commit_id(raw), raw)
    return Found(found.id, found.parents, found.envelope.hlc, found, identity.verify(found.payload, found.armour), "")


def cases() -> dict[str, Any]:
    made = []
    for case in CASES:
        maker = Maker()
        case(maker)
        given = {
            "root": maker.root, "log": [raw.decode() for raw in maker.log],
            "issue": maker.issue, "entries": [raw.decode() for raw in maker.entries],
        }  # fmt: skip
        made.append({"name": case.__name__.replace("_", " "), **given, **outcome(**given)})
    return {"now_ms": NOW_MS, "cases": made}
