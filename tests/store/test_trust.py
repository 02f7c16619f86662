"""Who may do what: trust logs as honest, careless and hostile people make them, and what becomes of the entries."""

import time
from typing import Any

import pytest

from git_tracker.errors import NotFound, Refused
from git_tracker.store import IssueStore, Signer, membership
from tests.store import forge
from tests.store.forge import label
from tests.store.governed import TrustForge, end, member, removed, revoked, settled

NOTE = {"type": "comment-added", "body": "a note"}
CUT = "its issuer was removed, and the remover had not seen it"
ENDED = "after the end of its session"


@pytest.fixture
def log(store: IssueStore) -> TrustForge:
    return TrustForge(store)


@pytest.fixture
def issue(store: IssueStore, ada: Signer) -> str:
    return store.create_issue(ada, {"title": "A leak"})


@pytest.fixture
def bob() -> Signer:
    return forge.signer(2, "Bob", "bob@example.org")


@pytest.fixture
def cem() -> Signer:
    return forge.signer(3, "Cem", "cem@example.org")


def of(by: Signer, person: str, number: int = 9, **more: Any) -> Signer:
    """A session with a fixed key that is valid now."""
    now = int(time.time())
    return forge.session(by, number, person=person, **{"valid": (now - 60, now + 3600), **more})


def key(by: Signer) -> str:
    return by.identity.public_key


# members and what they cite


def test_what_a_session_of_a_member_writes_counts(
    store: IssueStore, log: TrustForge, agent: Signer, issue: str
) -> None:
    store.comment(agent, issue, "on it")

    assert set(settled(store).values()) == {("ok", "")}


def test_an_issuer_that_is_no_member_is_muted(store: IssueStore, log: TrustForge, bob: Signer, issue: str) -> None:
    by_bob, by_agent = log.write(bob, issue, NOTE), log.write(of(bob, "bob"), issue, NOTE)

    found = settled(store)
    assert found[by_bob] == found[by_agent] == ("muted", f"the key {bob.identity.fingerprint} was no member's")
    assert store.get_issue(issue)["comments"] == []
    assert store.get_issue(issue)["quarantined"] == 2


def test_an_entry_that_cites_the_state_before_its_issuer_joined_is_muted(
    store: IssueStore, log: TrustForge, ada: Signer, bob: Signer, issue: str
) -> None:
    store.add_member(ada, key(bob), "bob", "Bob", "bob@example.org")
    early = log.write(bob, issue, NOTE, auth=(store.root,))

    assert settled(store)[early] == ("muted", f"the key {bob.identity.fingerprint} was no member's")


def test_an_entry_that_cites_what_is_not_here_waits_until_it_comes(
    store: IssueStore, log: TrustForge, ada: Signer, bob: Signer, issue: str
) -> None:
    added = log.say(ada, member(bob, "bob"))
    early = log.write(bob, issue, NOTE, auth=(added,))
    assert settled(store)[early] == ("waiting", "cites trust entries that are not here yet")

    log.show(ada, added)
    assert settled(store)[early] == ("ok", "")


def test_letting_somebody_in_adopts_what_they_wrote_before(
    store: IssueStore, log: TrustForge, ada: Signer, bob: Signer, issue: str
) -> None:
    early = [log.write(bob, issue, NOTE), log.write(of(bob, "bob"), issue, label("wet"))]
    assert store.get_issue(issue)["labels"] == []
    store.add_member(ada, key(bob), "bob", "Bob", "bob@example.org")

    found = settled(store)
    assert [found[id] for id in early] == [("ok", "")] * 2
    assert store.get_issue(issue)["comments"][0]["author"]["person"] == "bob"
    later = log.write(bob, issue, NOTE, auth=(store.root,))
    assert settled(store)[later][0] == "muted"


def test_what_was_adopted_with_its_author_stays_when_the_author_is_removed(
    store: IssueStore, log: TrustForge, ada: Signer, bob: Signer, issue: str
) -> None:
    early = [log.write(bob, issue, NOTE), log.write(of(bob, "bob"), issue, label("wet"))]
    store.add_member(ada, key(bob), "bob", "Bob", "bob@example.org")
    store.remove_member(ada, "bob")

    found = settled(store)
    assert [found[id] for id in early] == [("ok", "")] * 2


def test_an_observer_reads_and_nothing_they_sign_counts(
    store: IssueStore, log: TrustForge, ada: Signer, bob: Signer, issue: str
) -> None:
    early = log.write(bob, issue, NOTE)
    added = store.add_member(ada, key(bob), "bob", "Bob", "bob@example.org", "observer")
    late = log.write(bob, issue, NOTE, auth=(added,))

    found = settled(store)
    assert found[early] == ("muted", f"the key {bob.identity.fingerprint} was no member's")
    assert found[late] == ("muted", "bob may only read")
    said = log.say(bob, membership.adopted([late]), after=[added])
    log.show(ada, said)
    assert settled(store)[late] == ("muted", "bob may only read")


def test_an_entry_cannot_cite_an_older_state_than_what_it_builds_on(
    store: IssueStore, log: TrustForge, ada: Signer, bob: Signer, issue: str
) -> None:
    added = store.add_member(ada, key(bob), "bob", "Bob", "bob@example.org")
    store.comment(ada, issue, "we are two")
    backwards = log.write(ada, issue, NOTE, auth=(store.root,))
    assert settled(store)[backwards] == (
        "muted",
        "it cites an older state of the trust log than what it builds on",
    )
    honest = log.write(bob, issue, label("wet"), auth=(added,))
    assert settled(store)[honest] == ("ok", "")


def test_an_entry_that_came_before_its_predecessor_is_judged_again_when_that_comes(
    store: IssueStore, log: TrustForge, ada: Signer, bob: Signer, issue: str
) -> None:
    agent, other = of(ada, "ada"), store.create_issue(ada, {"title": "Another"})
    added = log.say(ada, member(bob, "bob"))
    log.show(ada, added)
    first = log.add(agent, [NOTE], [other], auth=(added,))
    second = log.write(agent, issue, NOTE, n=1, prev=first)
    assert settled(store)[second] == ("ok", "")

    log.point(other, first)
    found = settled(store)
    assert found[first] == ("ok", "")
    assert found[second] == ("muted", "it cites an older state of the trust log than what it builds on")


# certificates


def test_a_certificate_that_speaks_for_somebody_else_is_muted(
    store: IssueStore, log: TrustForge, ada: Signer, bob: Signer, issue: str
) -> None:
    added = store.add_member(ada, key(bob), "bob", "Bob", "bob@example.org")
    wrong = log.write(of(bob, "ada"), issue, NOTE, auth=(added,))

    assert settled(store)[wrong] == ("muted", "the certificate speaks for ada, which is not its issuer")


def test_an_entry_that_names_another_session_than_its_certificate_is_muted(
    store: IssueStore, log: TrustForge, ada: Signer, issue: str
) -> None:
    wrong = log.write(of(ada, "ada"), issue, NOTE, sid="0000000000cc")
    persons = log.write(ada, issue, NOTE, sid="0000000000cc")

    found = settled(store)
    assert found[wrong] == ("muted", "the entry names another session than its certificate")
    assert found[persons] == ("muted", "a person's entry names a session")


@pytest.mark.parametrize(
    ("after", "before", "verdict"),
    [(-7200, -3600, "muted"), (3600, 7200, "muted"), (-7200, -300, "ok"), (300, 7200, "ok")],
)
def test_a_claimed_time_outside_the_certificate_is_muted_but_for_ten_minutes_of_skew(
    store: IssueStore, log: TrustForge, ada: Signer, issue: str, after: int, before: int, verdict: str
) -> None:
    now = int(time.time())
    written = log.write(of(ada, "ada", valid=(now + after, now + before)), issue, NOTE)

    reason = "" if verdict == "ok" else "outside the validity of its certificate"
    assert settled(store)[written] == (verdict, reason)


def test_a_scope_names_operations(store: IssueStore, log: TrustForge, ada: Signer, issue: str) -> None:
    scoped = of(ada, "ada", scope='{"operations":["comment","status"]}')
    inside, outside = log.write(scoped, issue, NOTE), log.write(scoped, issue, label("wet"))
    both = log.add(scoped, [NOTE, label("wet")], [outside])
    log.point(issue, both)

    found = settled(store)
    assert found[inside] == ("ok", "")
    assert found[outside] == found[both] == ("muted", "out of scope: label is not among its operations")
    assert store.get_issue(issue)["labels"] == []
    assert len(store.get_issue(issue)["comments"]) == 1


def test_a_scope_lists_issues(store: IssueStore, log: TrustForge, ada: Signer, issue: str) -> None:
    other = store.create_issue(ada, {"title": "Another"})
    scoped = of(ada, "ada", scope=f'{{"issues":["{issue}"]}}')
    inside, outside = log.write(scoped, issue, NOTE), log.write(scoped, other, NOTE)
    born = log.add(scoped, [forge.created()], [])
    log.point(born, born)

    found = settled(store)
    assert found[inside] == ("ok", "")
    assert found[outside] == found[born] == ("muted", "out of scope: the issue is not among its issues")
    assert store.list_issues()["total"] == 2


def test_a_scope_holds_below_the_parent_under_which_an_issue_was_created(
    store: IssueStore, log: TrustForge, ada: Signer, issue: str
) -> None:
    child, other = store.create_issues(ada, [{"title": "Child", "parent": issue}, {"title": "Moved later"}])
    store.link(ada, other, "parent", issue)
    scoped = of(ada, "ada", scope=f'{{"parent":"{issue}"}}')
    inside = [log.write(scoped, issue, NOTE), log.write(scoped, child, NOTE)]
    outside = log.write(scoped, other, NOTE)
    own = log.add(scoped, [forge.created(), {"type": "link-added", "kind": "parent", "issue": issue}], [])
    log.point(own, own)

    found = settled(store)
    assert [found[id] for id in (*inside, own)] == [("ok", "")] * 3
    assert found[outside] == ("muted", "out of scope: the issue is not among its issues")


@pytest.mark.parametrize(
    "scope", ["{", "[]", "7", '{"who":"*"}', '{"operations":7}', '{"issues":{"a":1}}', '{"operations":"comment,label"}',
    '{"parent":[1]}', '{"operations":[["comment"]]}'],
)  # fmt: skip
def test_a_scope_that_nobody_can_read_allows_nothing(
    store: IssueStore, log: TrustForge, ada: Signer, issue: str, scope: str
) -> None:
    written = log.write(of(ada, "ada", scope=scope), issue, NOTE)

    verdict, reason = settled(store)[written]
    assert verdict == "muted"
    assert reason.startswith("out of scope: its scope ")


# sessions that end


def test_a_revoked_session_keeps_what_was_seen_and_nothing_later_enters_whatever_it_claims(
    store: IssueStore, log: TrustForge, ada: Signer, issue: str
) -> None:
    thief = of(ada, "ada", valid=(0, 2**40))
    first, second = log.write(thief, issue, NOTE), log.write(thief, issue, NOTE)
    late = log.write(thief, issue, label("late"))
    log.show(ada, log.say(ada, revoked(thief, end(thief, 1, second))))
    found = settled(store)
    assert (found[first], found[second], found[late]) == (("ok", ""), ("ok", ""), ("muted", ENDED))

    long_ago = forge.commit.author_line("Ada", "ada@example.org", store.now_ms // 1000 - 86400)
    backdated = log.write(thief, issue, label("backdated"), n=2, prev=second, author=long_ago)
    sibling = log.write(thief, issue, label("sibling"), on=issue, n=1, prev=first)
    fresh = log.write(thief, issue, label("fresh"), on=issue, n=0, prev=None)
    found = settled(store)
    assert {found[id] for id in (backdated, sibling, fresh)} == {("muted", ENDED)}
    assert store.get_issue(issue)["labels"] == []


def test_a_late_entry_that_was_honest_can_be_adopted(
    store: IssueStore, log: TrustForge, ada: Signer, issue: str
) -> None:
    agent = of(ada, "ada")
    early = log.write(agent, issue, NOTE)
    log.show(ada, log.say(ada, revoked(agent, end(agent, 0, early))))
    late = log.write(agent, issue, label("honest"))
    assert settled(store)[late] == ("muted", ENDED)

    store.adopt(ada, [late[:10]])
    assert settled(store)[late] == ("ok", "")
    assert store.get_issue(issue)["labels"] == ["honest"]
    with pytest.raises(Exception, match="no muted entry"):
        store.adopt(ada, [late])


def test_a_session_is_revoked_with_all_its_keys(store: IssueStore, log: TrustForge, ada: Signer, issue: str) -> None:
    one = store.delegate(ada, client="c/1", label="fixer")
    two = store.delegate(ada, client="c/1", label="fixer", sid=one.sid)
    store.comment(one, issue, "with the first key")
    store.comment(two, issue, "with the second")
    store.revoke(ada, one.sid)
    late = [log.write(one, issue, NOTE, auth=_heads(store)), log.write(two, issue, NOTE, auth=_heads(store))]

    found = settled(store)
    assert {found[id] for id in late} == {("muted", ENDED)}
    assert len(store.get_issue(issue)["comments"]) == 2


def _heads(store: IssueStore) -> tuple[str, ...]:
    return store._projection.trust.heads


def test_the_end_of_a_session_waits_for_the_entry_it_names(
    store: IssueStore, log: TrustForge, ada: Signer, issue: str
) -> None:
    agent = of(ada, "ada")
    first = log.write(agent, issue, NOTE)
    second = log.add(agent, [label("wet")], [first])
    log.show(ada, log.say(ada, revoked(agent, end(agent, 1, second))))
    assert settled(store)[first] == ("waiting", "the last entry of its chain that counts is not here yet")

    log.point(issue, second)
    found = settled(store)
    assert (found[first], found[second]) == (("ok", ""), ("ok", ""))


def test_one_number_used_twice_is_kept_and_shows_as_a_fork(
    store: IssueStore, log: TrustForge, ada: Signer, issue: str
) -> None:
    agent = of(ada, "ada")
    first = log.write(agent, issue, NOTE)
    one, two = log.write(agent, issue, NOTE), log.write(agent, issue, NOTE, on=first, n=1, prev=first)

    found = settled(store)
    assert found[one] == found[two] == ("ok", "")
    chain = store.audit(agent.sid)["chain"]
    assert not chain["ok"]
    assert [sorted(fork["entries"]) for fork in chain["forks"]] == [sorted([one, two])]
    assert [problem["kind"] for problem in store.verify()["problems"]] == ["chain"]


def test_nobody_ends_the_session_of_somebody_else_by_claiming_its_id(
    store: IssueStore, log: TrustForge, ada: Signer, bob: Signer, issue: str
) -> None:
    added = store.add_member(ada, key(bob), "bob", "Bob", "bob@example.org")
    agent = of(ada, "ada")
    written = log.write(agent, issue, NOTE, auth=(added,))
    honest = log.say(bob, revoked(agent), after=[added])
    claimed = log.say(bob, revoked(agent, person=bob), after=[added])
    log.show(ada, honest, claimed)

    assert settled(store)[written] == ("ok", "")
    counts = {item["entry"]: item["counts"] for item in store.trust_log()}
    assert (counts[honest], counts[claimed]) == (False, True)


def test_a_person_ends_their_own_sessions_and_a_maintainer_anybodys(
    store: IssueStore, log: TrustForge, ada: Signer, bob: Signer, cem: Signer, issue: str
) -> None:
    one = log.say(ada, member(bob, "bob"))
    both = log.say(ada, member(cem, "cem", "maintainer"), after=[one])
    log.show(ada, both)
    first, second = of(bob, "bob", 21), of(bob, "bob", 22)
    for session in (first, second):
        log.write(session, issue, NOTE, auth=(both,))
    store.revoke(bob, first.sid)
    store.revoke(cem, second.sid)
    late = [log.write(session, issue, NOTE, auth=_heads(store)) for session in (first, second)]

    found = settled(store)
    assert [found[id] for id in late] == [("muted", ENDED)] * 2


# removals


def test_a_removal_keeps_what_the_remover_had_seen(
    store: IssueStore, log: TrustForge, ada: Signer, bob: Signer, issue: str
) -> None:
    added = store.add_member(ada, key(bob), "bob", "Bob", "bob@example.org")
    session = of(bob, "bob")
    seen = [log.write(by, issue, NOTE, auth=(added,)) for by in (bob, session)]
    store.remove_member(ada, "bob")
    late = [log.write(by, issue, NOTE, auth=auth) for by in (bob, session) for auth in ((added,), _heads(store))]

    found = settled(store)
    assert [found[id] for id in seen] == [("ok", "")] * 2
    assert [found[id][0] for id in late] == ["muted"] * 4
    assert found[late[0]][1] in (CUT, "it cites an older state of the trust log than what it builds on")


def test_a_removal_that_had_seen_nothing_leaves_nothing(
    store: IssueStore, log: TrustForge, ada: Signer, bob: Signer, issue: str
) -> None:
    added = log.say(ada, member(bob, "bob"))
    log.show(ada, added)
    seen = log.write(of(bob, "bob"), issue, NOTE, auth=(added,))
    log.show(ada, log.say(ada, removed(bob), after=[added]))

    assert settled(store)[seen] == ("muted", CUT)


def test_a_removal_keeps_both_sides_of_a_chain_that_forked(
    store: IssueStore, log: TrustForge, ada: Signer, bob: Signer, issue: str
) -> None:
    added = store.add_member(ada, key(bob), "bob", "Bob", "bob@example.org")
    first = log.write(bob, issue, NOTE, auth=(added,))
    long = log.write(bob, issue, NOTE, auth=(added,))
    long = log.write(bob, issue, NOTE, auth=(added,))
    short = log.write(bob, issue, NOTE, on=first, n=1, prev=first, auth=(added,))
    second_laptop = log.write(bob, issue, NOTE, on=first, n=0, prev=None, auth=(added,))
    store.refresh(force=True)
    store.remove_member(ada, "bob")

    found = settled(store)
    assert {found[id] for id in (first, long, short, second_laptop)} == {("ok", "")}


def test_of_two_who_remove_each_other_the_senior_stays(
    store: IssueStore, log: TrustForge, ada: Signer, bob: Signer, cem: Signer
) -> None:
    one = log.say(ada, member(bob, "bob", "maintainer"))
    two = log.say(ada, member(cem, "cem", "maintainer"), after=[one])
    log.show(ada, log.say(cem, removed(bob), after=[two]), log.say(bob, removed(cem), after=[two]))

    assert log.members == {"ada": "owner", "bob": "maintainer"}


def test_what_a_removed_member_did_at_the_same_time_is_void_and_so_is_their_friend(
    store: IssueStore, log: TrustForge, ada: Signer, bob: Signer, cem: Signer
) -> None:
    eve, dee = forge.signer(4, "Eve", "eve@example.org"), forge.signer(5, "Dee", "dee@example.org")
    one = log.say(ada, member(bob, "bob", "maintainer"))
    two = log.say(ada, member(cem, "cem", "maintainer"), after=[one])
    friend = log.say(bob, member(eve, "eve", "maintainer"), after=[two])
    work = log.say(cem, member(dee, "dee"), after=[two])
    by_friend = log.say(eve, removed(cem), after=[friend])
    log.show(ada, work, by_friend, log.say(ada, removed(bob), after=[two]))

    assert log.members == {"ada": "owner", "cem": "maintainer", "dee": "writer"}


def test_what_a_removed_member_had_done_before_the_removal_was_seen_stays(
    store: IssueStore, log: TrustForge, ada: Signer, bob: Signer, cem: Signer
) -> None:
    one = log.say(ada, member(bob, "bob", "maintainer"))
    two = log.say(bob, member(cem, "cem"), after=[one])
    log.show(ada, log.say(ada, removed(bob), after=[two]))

    assert log.members == {"ada": "owner", "cem": "writer"}


def test_a_junior_cannot_remove_or_demote_a_senior(
    store: IssueStore, log: TrustForge, ada: Signer, bob: Signer, cem: Signer
) -> None:
    one = log.say(ada, member(bob, "bob", "maintainer"))
    two = log.say(ada, member(cem, "cem", "maintainer"), after=[one])
    log.show(
        ada, log.say(bob, removed(ada), after=[two]), log.say(cem, removed(bob), after=[two]),
        log.say(bob, member(ada, "ada", "observer"), after=[two]), log.say(cem, member(bob, "bob", "observer"), after=[two]),
        log.say(bob, member(ada, "ada", "observer")),
    )  # fmt: skip

    assert log.members == {"ada": "owner", "bob": "maintainer", "cem": "maintainer"}


def test_only_an_owner_makes_owners_and_writers_let_nobody_in(
    store: IssueStore, log: TrustForge, ada: Signer, bob: Signer, cem: Signer
) -> None:
    eve = forge.signer(4, "Eve", "eve@example.org")
    one = log.say(ada, member(bob, "bob", "maintainer"))
    two = log.say(ada, member(cem, "cem"), after=[one])
    said = [
        log.say(bob, member(bob, "bob", "owner"), after=[two]), log.say(bob, member(eve, "eve", "owner"), after=[two]),
        log.say(cem, member(eve, "eve"), after=[two]), log.say(cem, removed(cem), after=[two]),
        log.say(bob, membership.root_joined("a" * 40), after=[two]), log.say(cem, membership.policy({}), after=[two]),
        log.say(of(ada, "ada"), member(eve, "eve"), after=[two]),
    ]  # fmt: skip
    log.show(ada, *said)

    assert log.members == {"ada": "owner", "bob": "maintainer", "cem": "writer"}
    counts = {item["entry"]: item["counts"] for item in store.trust_log()}
    assert [counts[id] for id in said] == [False] * 7


def test_a_removal_beats_letting_in_again_at_the_same_time_and_not_letting_in_again_afterwards(
    store: IssueStore, log: TrustForge, ada: Signer, bob: Signer, cem: Signer, issue: str
) -> None:
    one = log.say(ada, member(cem, "cem", "maintainer"))
    two = log.say(ada, member(bob, "bob"), after=[one])
    gone, promoted = (
        log.say(ada, removed(bob), after=[two]),
        log.say(cem, member(bob, "bob", "maintainer"), after=[two]),
    )
    tip = log.show(ada, gone, promoted)
    assert log.members == {"ada": "owner", "cem": "maintainer"}

    back = log.show(ada, log.say(ada, member(bob, "bob"), after=[tip]))
    assert log.members == {"ada": "owner", "cem": "maintainer", "bob": "writer"}
    written = log.write(bob, issue, NOTE, auth=(back,))
    assert settled(store)[written] == ("ok", "")


def test_who_was_let_in_again_may_govern_again(
    store: IssueStore, log: TrustForge, ada: Signer, bob: Signer, cem: Signer
) -> None:
    one = log.say(ada, member(bob, "bob", "maintainer"))
    gone = log.say(ada, removed(bob), after=[one])
    back = log.say(ada, member(bob, "bob", "maintainer"), after=[gone])
    log.show(ada, log.say(bob, member(cem, "cem"), after=[back]))

    assert log.members == {"ada": "owner", "bob": "maintainer", "cem": "writer"}


def test_letting_in_again_adopts_what_was_written_while_removed(
    store: IssueStore, log: TrustForge, ada: Signer, bob: Signer, issue: str
) -> None:
    added = store.add_member(ada, key(bob), "bob", "Bob", "bob@example.org")
    seen = log.write(bob, issue, NOTE, auth=(added,))
    store.refresh()
    store.remove_member(ada, "bob")
    offline = log.write(bob, issue, label("offline"), auth=(added,))
    assert settled(store)[offline] == ("muted", CUT)

    store.add_member(ada, key(bob), "bob", "Bob", "bob@example.org")
    found = settled(store)
    assert (found[seen], found[offline]) == (("ok", ""), ("ok", ""))


def test_a_removal_that_loses_its_own_ground_does_no_harm(
    store: IssueStore, log: TrustForge, ada: Signer, bob: Signer, cem: Signer
) -> None:
    """Dee lets Bob in again, and Bob removes Eve; at the same time Cem removes Dee, who had made him a member again."""
    dee, eve, fay = (forge.signer(n, name, f"{name}@example.org") for n, name in ((4, "Dee"), (5, "Eve"), (6, "Fay")))
    at = log.store.root
    for by, name in ((bob, "bob"), (cem, "cem"), (dee, "dee"), (eve, "eve")):
        at = log.say(ada, member(by, name, "maintainer"), after=[at])
    gone = log.say(ada, removed(bob), after=[at])
    back = log.say(dee, member(bob, "bob", "maintainer"), after=[gone])
    by_bob, work = log.say(bob, removed(eve), after=[back]), log.say(eve, member(fay, "fay"), after=[gone])
    tip = log.show(ada, by_bob, work)
    assert log.members == {"ada": "owner", "bob": "maintainer", "cem": "maintainer", "dee": "maintainer"}

    log.show(ada, tip, log.say(cem, removed(dee), after=[gone]))
    assert log.members == {"ada": "owner", "cem": "maintainer", "eve": "maintainer", "fay": "writer"}


def test_who_leaves_takes_back_what_they_did_at_the_same_time(
    store: IssueStore, log: TrustForge, ada: Signer, bob: Signer, cem: Signer
) -> None:
    eve = forge.signer(4, "Eve", "eve@example.org")
    one = log.say(ada, member(bob, "bob", "maintainer"))
    two = log.say(ada, member(cem, "cem", "maintainer"), after=[one])
    work = log.say(cem, member(eve, "eve"), after=[two])
    log.show(ada, work, *(log.say(bob, removed(who), after=[two]) for who in (cem, bob)))

    assert log.members == {"ada": "owner", "cem": "maintainer", "eve": "writer"}


# other roots


def foreign_root(log: TrustForge, by: Signer, **more: Any) -> str:
    event = membership.root_event(membership.Member("bob", "Bob", "z@example.org", by.identity.key, "owner", ""), "00")
    return log.add(by, [{**event, **more}], [], repo="", auth=())


def test_a_second_root_means_nothing_until_an_owner_joins_it(
    store: IssueStore, log: TrustForge, ada: Signer, bob: Signer, cem: Signer
) -> None:
    other = foreign_root(log, bob)
    friend = log.say(bob, member(cem, "cem", "owner"), after=[other, store.root])
    tip = log.show(ada, friend, store.root)
    assert log.members == {"ada": "owner"}

    log.show(ada, log.say(ada, membership.root_joined(other), after=[tip]))
    assert log.members == {"ada": "owner", "bob": "owner", "cem": "owner"}


def test_who_joins_later_is_junior_to_whoever_let_them_join(
    store: IssueStore, log: TrustForge, ada: Signer, bob: Signer, cem: Signer
) -> None:
    """A root as old as ours, whose owner removes the one who joined it: that could go round for ever."""
    owner = log.say(ada, member(cem, "cem", "owner"))
    other = foreign_root(log, bob)
    joined = log.say(cem, membership.root_joined(other), after=[owner, other])
    attacks = [
        log.say(bob, event, after=[owner, other])
        for event in (removed(cem), removed(ada), member(cem, "cem", "observer"))
    ]
    log.show(ada, joined, *attacks)

    assert log.members == {"ada": "owner", "bob": "owner", "cem": "owner"}


@pytest.mark.parametrize(
    "odd", [{"seen": 7}, {"role": "observer", "more": 1}, {"person": "Not A Handle"}, {"key": 7}, {"email": []}]
)
def test_a_root_of_an_odd_shape_stops_nobody(
    store: IssueStore, log: TrustForge, ada: Signer, bob: Signer, odd: dict[str, Any]
) -> None:
    other = foreign_root(log, bob, **odd)
    log.show(ada, log.say(ada, membership.root_joined(other), after=[store.root, other]))

    assert log.members == {"ada": "owner"}
    store.create_issue(ada, {"title": "we go on"})
    settled(store)


ODD_EVENTS = [
    {"type": "member-added"}, {"type": "member-removed", "key": 7, "seen": []}, {"type": "policy", "rules": []},
    {"type": "session-revoked", "sid": 7, "person": "x", "seen": []}, {"type": "adopted", "entries": [7]},
    {"type": "adopted", "entries": "abc"}, {"type": "root-joined", "root": None}, {"type": "teleported"},
    {"type": "member-removed", "key": "ssh-ed25519 AAAA", "seen": [7]}, {"type": "root"},
]  # fmt: skip


def test_trust_entries_of_odd_shapes_are_listed_and_mean_nothing(
    store: IssueStore, log: TrustForge, ada: Signer
) -> None:
    said = [log.say(ada, event) for event in ODD_EVENTS]
    log.show(ada, *said)

    assert log.members == {"ada": "owner"}
    counts = {item["entry"]: item["counts"] for item in store.trust_log()}
    assert [counts[id] for id in said] == [False] * len(said)
    store.create_issue(ada, {"title": "we go on"})
    settled(store)


# policies


def test_a_policy_holds_for_whoever_has_seen_it(
    store: IssueStore, log: TrustForge, ada: Signer, agent: Signer, issue: str
) -> None:
    before = log.write(agent, issue, label("before"))
    set_ = store.set_policy(ada, {"people_only": ["label"], "done_by": "people"})
    done = {"type": "status-changed", "to": "done", "category": "done"}
    late = [log.write(agent, issue, event, auth=(set_,)) for event in (label("late"), done)]
    by_ada = log.write(ada, issue, label("mine"), auth=(set_,))

    found = settled(store)
    assert (found[before], found[by_ada]) == (("ok", ""), ("ok", ""))
    assert found[late[0]] == ("muted", "against the policy: only people may label")
    assert found[late[1]] == ("muted", "against the policy: only people may move to done")


def test_settling_a_conflict_is_the_operation_that_writing_the_field_is(
    store: IssueStore, log: TrustForge, ada: Signer, issue: str
) -> None:
    editor = store.delegate(ada, client="c/1", label="editor", scope={"operations": ["edit"]})
    fields = [("title", "Dry"), ("status", "done"), ("assignee", "eve"), ("archived", True), ("comment:x", [])]
    tried = [
        log.write(editor, issue, {"type": "conflict-resolved", "field": field, "value": value})
        for field, value in fields
    ]

    found = settled(store)
    assert [found[id][0] for id in tried] == ["ok", *["muted"] * 4]


def test_a_policy_of_somebody_removed_meanwhile_binds_nobody_any_more(
    store: IssueStore, log: TrustForge, ada: Signer, bob: Signer, agent: Signer, issue: str
) -> None:
    added = log.say(ada, member(bob, "bob", "maintainer"))
    set_ = log.say(bob, membership.policy({"people_only": ["label"]}), after=[added])
    tip = log.show(ada, set_)
    bound = log.write(agent, issue, label("wet"), auth=(set_,))
    assert settled(store)[bound] == ("muted", "against the policy: only people may label")

    log.show(ada, tip, log.say(ada, removed(bob), after=[added]))
    assert settled(store)[bound] == ("ok", "")


@pytest.mark.parametrize(
    "rules", [{"people_only": 7}, {"people_only": {"label": 1}}, {"done_by": []}, {"new_rule": [1]}]
)
def test_rules_that_this_version_does_not_know_bind_nobody(
    store: IssueStore, log: TrustForge, ada: Signer, agent: Signer, issue: str, rules: dict[str, Any]
) -> None:
    set_ = log.show(ada, log.say(ada, membership.policy(rules)))
    written = log.write(agent, issue, label("wet"), auth=(set_,))

    assert settled(store)[written] == ("ok", "")


def test_a_trust_log_that_was_moved_back_makes_what_cites_it_wait(
    store: IssueStore, log: TrustForge, ada: Signer, bob: Signer, issue: str
) -> None:
    store.add_member(ada, key(bob), "bob", "Bob", "bob@example.org")
    store.comment(bob, issue, "hello")
    log.git("update-ref", "refs/git-tracker/trust", store.root)
    store.refresh(force=True)

    assert [found for found in settled(store).values() if found[0] != "ok"] == [
        ("waiting", "cites trust entries that are not here yet")
    ]


# sessions that never wrote, and roles that were lowered


def test_a_session_that_never_wrote_is_ended_by_its_full_id(
    store: IssueStore, log: TrustForge, ada: Signer, issue: str
) -> None:
    lost = store.delegate(ada, client="c/1", label="lost")
    with pytest.raises(NotFound):
        store.revoke(ada, lost.sid[:8])
    store.revoke(ada, lost.sid)

    late = log.write(lost, issue, NOTE)
    assert settled(store)[late] == ("muted", ENDED)
    with pytest.raises(Refused):
        store.delegate(ada, client="c/1", label="lost", sid=lost.sid)


def test_who_was_made_an_observer_offline_goes_on_in_vain(
    store: IssueStore, log: TrustForge, ada: Signer, bob: Signer, issue: str
) -> None:
    added = store.add_member(ada, key(bob), "bob", "Bob", "bob@example.org")
    seen = log.write(bob, issue, label("seen"), auth=(added,))
    store.refresh()
    store.add_member(ada, key(bob), "bob", "Bob", "bob@example.org", "observer")
    unseen = log.write(bob, issue, label("unseen"), auth=(added,))

    found = settled(store)
    assert found[seen] == ("ok", "")
    assert found[unseen] == ("muted", "its issuer was made an observer, and who did it had not seen it")
    again = store.add_member(ada, key(bob), "bob", "Bob", "bob@example.org")
    assert settled(store)[unseen] == ("ok", "")  # seen by who gave the role back
    later = log.write(bob, issue, label("later"), auth=(again,))
    assert settled(store)[later] == ("ok", "")


def test_a_maintainer_made_a_writer_cannot_answer_with_a_removal(
    store: IssueStore, log: TrustForge, ada: Signer, bob: Signer, cem: Signer, issue: str
) -> None:
    added = log.say(ada, member(bob, "bob", "maintainer"), member(cem, "cem"))
    lowered = log.say(ada, member(bob, "bob"), after=[added])
    answer = log.say(bob, removed(cem), after=[added])
    harmless = log.say(bob, membership.adopted(()), after=[added])
    log.show(ada, lowered, answer, harmless)

    counts = {item["entry"]: item["counts"] for item in store.trust_log()}
    assert (counts[answer], counts[harmless]) == (False, True)
    assert log.members == {"ada": "owner", "bob": "writer", "cem": "writer"}


def test_a_maintainer_made_a_writer_is_one_for_policies_whatever_they_cite(
    store: IssueStore, log: TrustForge, ada: Signer, bob: Signer, issue: str
) -> None:
    store.add_member(ada, key(bob), "bob", "Bob", "bob@example.org", "maintainer")
    set_ = store.set_policy(ada, {"done_by": "maintainers"})
    store.add_member(ada, key(bob), "bob", "Bob", "bob@example.org")
    done = log.write(bob, issue, {"type": "status-changed", "to": "done", "category": "done"}, auth=(set_,))
    note = log.write(bob, issue, NOTE, auth=(set_,))

    found = settled(store)
    assert found[done] == ("muted", "against the policy: only maintainers may move to done")
    assert found[note] == ("ok", "")
