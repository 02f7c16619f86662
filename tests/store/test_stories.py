"""Trust as it is lived, told from end to end: several clones, stock git between them, and what everybody then sees."""

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from git_tracker.errors import NotFound, Refused
from git_tracker.store import IssueStore, Signer, find_place
from tests.store import forge
from tests.store.forge import label
from tests.store.governed import TrustForge, clone, exchange, settled

HOUR = 3600
ENDED = "after the end of its session"


class Clock:
    """A clock that can be set: to lie, or to let time pass."""

    def __init__(self) -> None:
        self.ahead = 0

    def __call__(self) -> int:
        return time.time_ns() + self.ahead * 10**9


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[..., IssueStore]]:
    """Opens further clones of a tracker, each perhaps with a clock of its own."""
    found: list[IssueStore] = []

    def make(source: IssueStore, name: str, clock: Clock | None = None) -> IssueStore:
        other = clone(source, tmp_path / name)
        found.append(other)
        if clock:
            other.close()
            other = IssueStore(find_place(str(tmp_path / name)), clock=clock)
            found.append(other)
        return other

    yield make
    for store in found:
        store.close()


def odd(store: IssueStore) -> dict[str, tuple[str, str]]:
    return {item["entry"]: (item["verdict"], item["reason"]) for item in store.quarantine()["items"]}


def trail(store: IssueStore, agent: str) -> list[tuple[str, str]]:
    return [(item["verdict"], item["reason"]) for item in store.audit(agent)["items"]]


def tip(store: IssueStore, issue: str) -> str:
    return TrustForge(store).tip(issue)


def test_a_stolen_session_key_with_a_set_back_clock(
    store: IssueStore, ada: Signer, agent: Signer, opened: Callable[..., IssueStore]
) -> None:
    issue = store.create_issue(ada, {"title": "A leak"})
    store.comment(agent, issue, "honest work")
    clock = Clock()
    thief = opened(store, "thief", clock)
    store.revoke(ada, agent.sid)

    clock.ahead = -30  # within the certificate, and before it was revoked
    thief.update_issue(agent, issue, {"status": "done", "add_labels": ["wontfix"]})
    theirs = tip(thief, issue)
    exchange(thief, store)
    assert odd(store) == {theirs: ("muted", ENDED)}
    here = store.get_issue(issue)
    assert (here["status"], here["labels"], here["comments"][0]["body"]) == ("todo", [], "honest work")
    assert trail(store, agent.sid) == [("ok", ""), ("muted", ENDED)]
    assert [session["revoked"] for session in store.sessions()] == [True]
    assert not store.verify()["ok"]
    settled(store)

    exchange(store, thief)
    assert odd(thief) == odd(store)
    with pytest.raises(Refused, match="after the end of its session"):
        thief.comment(agent, issue, "once more")
    with pytest.raises(Refused, match="revoked"):
        store.delegate(ada, client="c/1", label="again", sid=agent.sid)


def test_a_member_removed_while_offline(store: IssueStore, ada: Signer, opened: Callable[..., IssueStore]) -> None:
    bob = forge.signer(2, "Bob", "bob@example.org")
    store.add_member(ada, bob.identity.public_key, "bob", "Bob", "bob@example.org")
    issue = store.create_issue(ada, {"title": "A leak"})
    laptop = opened(store, "laptop")
    laptop.comment(bob, issue, "seen by all")
    exchange(laptop, store)
    session = laptop.delegate(bob, client="codex/1", label="helper")
    laptop.update_issue(session, issue, {"add_labels": ["offline"]})
    laptop.comment(bob, issue, "written offline")
    store.remove_member(ada, "bob")
    assert laptop.get_issue(issue)["labels"] == ["offline"]

    exchange(laptop, store)
    exchange(store, laptop)
    reason = "its issuer was removed, and the remover had not seen it"
    assert set(odd(store).values()) == {("muted", reason)}
    assert odd(laptop) == odd(store)
    assert len(odd(store)) == 2
    for clone_ in (store, laptop):
        assert [note["body"] for note in clone_.get_issue(issue)["comments"]] == ["seen by all"]
        assert clone_.get_issue(issue)["labels"] == []
        assert clone_.get_issue(issue)["quarantined"] == 2
        settled(clone_)
    assert trail(store, session.sid) == [("muted", reason)]
    with pytest.raises(Refused, match="no member"):
        laptop.comment(bob, issue, "but I")

    spoken = next(item["entry"] for item in store.quarantine()["items"] if item["actor"]["id"] == "bob")
    store.adopt(ada, [spoken])
    exchange(store, laptop)
    for clone_ in (store, laptop):
        assert [note["body"] for note in clone_.get_issue(issue)["comments"]] == ["seen by all", "written offline"]
        settled(clone_)


def test_a_sub_agent_with_a_narrower_scope(store: IssueStore, ada: Signer) -> None:
    epic, other = store.create_issues(ada, [{"title": "Epic", "type": "epic"}, {"title": "Elsewhere"}])
    sub = store.delegate(
        ada,
        client="claude-code/2.1",
        label="writes notes",
        scope={"operations": ["comment", "create", "link"], "parent": epic},
    )
    store.comment(sub, epic, "looked into it")
    child = store.create_issue(sub, {"title": "Found", "parent": epic})
    store.comment(sub, child, "here")
    before = TrustForge(store).git("for-each-ref")
    for attempt in (
        lambda: store.comment(sub, other, "not mine"),
        lambda: store.update_issue(sub, epic, {"status": "done"}),
        lambda: store.create_issue(sub, {"title": "Mine"}),
    ):
        with pytest.raises(Refused, match="out of scope") as refusal:
            attempt()
        assert refusal.value.code == "not_allowed"
    assert TrustForge(store).git("for-each-ref") == before

    forged = TrustForge(store)  # a client that does not ask
    done = forged.write(sub, child, {"type": "status-changed", "to": "done", "category": "done"})
    elsewhere = forged.write(sub, other, {"type": "comment-added", "body": "not mine"})
    assert odd(store) == {
        done: ("muted", "out of scope: status is not among its operations"),
        elsewhere: ("muted", "out of scope: the issue is not among its issues"),
    }
    assert [verdict for verdict, _ in trail(store, sub.sid)] == ["ok", "ok", "ok", "muted", "muted"]
    told = store.audit(sub.sid)["delegation"]
    assert (told["person"], told["scope"]) == ("ada", f'{{"operations":["comment","create","link"],"parent":"{epic}"}}')
    assert store.get_issue(child)["status"] == "todo"
    settled(store)


def test_an_expired_certificate_and_its_renewal(
    store: IssueStore, ada: Signer, opened: Callable[..., IssueStore]
) -> None:
    clock = Clock()
    here = opened(store, "here", clock)
    issue = here.create_issue(ada, {"title": "A leak"})
    first = here.delegate(ada, client="c/1", label="fixer", valid_seconds=HOUR)
    here.comment(first, issue, "in time")

    clock.ahead = 2 * HOUR
    with pytest.raises(Refused, match="outside the validity of its certificate"):
        here.comment(first, issue, "too late")
    late = TrustForge(here).write(first, issue, label("late"))
    renewed = here.delegate(ada, client="c/1", label="fixer", valid_seconds=HOUR, sid=first.sid)
    here.comment(renewed, issue, "with a new certificate")
    assert odd(here) == {late: ("muted", "outside the validity of its certificate")}
    assert [verdict for verdict, _ in trail(here, first.sid)] == ["ok", "muted", "ok"]
    assert here.audit(first.sid)["chain"]["ok"]
    assert [note["author"]["id"] for note in here.get_issue(issue)["comments"]] == [first.sid] * 2
    settled(here)


def test_a_persons_second_laptop_and_how_it_is_lost(
    store: IssueStore, ada: Signer, opened: Callable[..., IssueStore]
) -> None:
    second = forge.signer(7)
    store.add_member(ada, second.identity.public_key, "ada", "Ada Lovelace", "ada@example.org", "owner")
    laptop = opened(store, "laptop")
    issue = laptop.create_issue(second, {"title": "From the second laptop", "assignee": "me"})
    session = laptop.delegate(second, client="c/1", label="helper")
    laptop.comment(session, issue, "by an agent over there")
    exchange(laptop, store)

    assert store.get_issue(issue)["author"]["id"] == store.get_issue(issue)["assignee"] == "ada"
    assert store.audit(session.sid)["delegation"]["person"] == "ada"
    assert store.verify()["ok"]
    assert len({member.fingerprint for member in store.members if member.person == "ada"}) == 2

    store.remove_member(ada, second.identity.fingerprint)
    laptop.comment(second, issue, "the finder says hello")
    laptop.comment(session, issue, "and so does its agent")
    exchange(laptop, store)
    assert [item["verdict"] for item in store.quarantine()["items"]] == ["muted"] * 2
    assert [note["body"] for note in store.get_issue(issue)["comments"]] == ["by an agent over there"]
    store.comment(ada, issue, "the first laptop goes on")
    with pytest.raises(NotFound):
        store.remove_member(ada, second.identity.fingerprint)
    settled(store)


def test_two_people_who_each_began_offline_and_then_join(
    store: IssueStore, ada: Signer, tmp_path: Path, opened: Callable[..., IssueStore]
) -> None:
    folder = tmp_path / "bobs"
    subprocess.run(["git", "init", "--quiet", folder], check=True)
    for name, value in (("user.name", "Bob"), ("user.email", "bob@example.org")):
        subprocess.run(["git", "-C", folder, "config", name, value], check=True)
    bobs = IssueStore.open(str(folder))
    bob, _ = bobs.init("bob")
    hers, his = store.create_issue(ada, {"title": "Hers"}), bobs.create_issue(bob, {"title": "His"})
    agent = bobs.delegate(bob, client="codex/1", label="helper")
    bobs.comment(agent, his, "at work")

    exchange(bobs, store)
    exchange(store, bobs)
    assert odd(store)[his] == ("waiting", f"belongs to another tracker, whose root is {bobs.root[:12]}")
    assert [verdict for verdict, _ in odd(store).values()] == ["waiting"] * 2
    assert store.list_issues()["total"] == bobs.list_issues()["total"] == 1
    with pytest.raises(Refused, match="no member"):
        store.comment(bob, hers, "may I?")

    store.join(ada, bobs.root)
    assert odd(store) == {}
    assert store.get_issue(his)["comments"][0]["author"]["session"] == agent.sid
    exchange(store, bobs)
    assert set(odd(bobs)) == {hers}  # each side decides for itself
    bobs.join(bob, store.root)
    assert odd(bobs) == {}

    store.comment(ada, his, "welcome")
    bobs.update_issue(bob, hers, {"add_labels": ["seen"]})
    exchange(store, bobs)
    exchange(bobs, store)
    exchange(store, bobs)
    for issue in (hers, his):
        assert store.get_issue(issue) == bobs.get_issue(issue)
    assert (store.get_issue(hers)["labels"], len(store.get_issue(his)["comments"])) == (["seen"], 2)
    assert {member.person: member.role for member in store.members} == {"ada": "owner", "bob": "owner"}
    assert [store.verify()["ok"], bobs.verify()["ok"]] == [True, True]
    settled(store)
    settled(bobs)

    third = opened(store, "third")
    assert third.root in {store.root, bobs.root}
    assert third.list_issues()["total"] == 2
    assert third.verify()["ok"]


def test_of_two_joined_roots_each_clone_keeps_its_own(
    store: IssueStore, ada: Signer, tmp_path: Path, opened: Callable[..., IssueStore]
) -> None:
    """Joining makes the other an owner here, but never the senior of those who were here before."""
    folder = tmp_path / "bobs"
    subprocess.run(["git", "init", "--quiet", folder], check=True)
    bobs = IssueStore.open(str(folder))
    bob, _ = bobs.init("bob")
    exchange(bobs, store)
    exchange(store, bobs)
    store.join(ada, bobs.root)
    third = opened(store, "third")
    assert third.root == store.root
    bobs.join(bob, store.root)
    exchange(store, bobs)
    exchange(bobs, store)
    with pytest.raises(Refused, match="you may not do that here"):
        store.remove_member(bob, "ada")
    with pytest.raises(Refused, match="you may not do that here"):
        bobs.remove_member(ada, "bob")
    bobs.close()
