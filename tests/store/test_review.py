"""A review before done: who counts as another, since when, and one answer in every order of arrival."""

import random
from typing import Any

import pytest

from git_tracker.errors import Refused
from git_tracker.store import IssueStore, Signer, fold, membership
from git_tracker.store.fold import Record
from tests.store import forge, histories
from tests.store.governed import TrustForge, settled
from tests.store.histories import causal, record, root, shuffled, snapshot, step_by_step

REVIEW = [{"kind": "review", "value": "looks right"}]
DONE = {"type": "status-changed", "to": "done", "category": "done"}
OPEN = {"type": "status-changed", "to": "todo", "category": "todo"}


@pytest.fixture
def issue(store: IssueStore, ada: Signer) -> str:
    return store.create_issue(ada, {"title": "A leak"})


@pytest.fixture
def other(store: IssueStore, ada: Signer) -> Signer:
    return store.delegate(ada, client="codex/1.0", label="reader")


def test_without_a_policy_nobody_has_to_review(store: IssueStore, ada: Signer, agent: Signer, issue: str) -> None:
    store.claim(agent, issue)
    store.finish(agent, issue, "fixed")

    assert store.get_issue(issue)["status"] == "done"


def test_who_did_the_work_cannot_finish_it_before_another_has_reviewed_it(
    store: IssueStore, ada: Signer, agent: Signer, other: Signer, issue: str
) -> None:
    store.set_policy(ada, {"review": "another"})
    store.claim(agent, issue)
    with pytest.raises(Refused) as refused:
        store.finish(agent, issue, "fixed", REVIEW)

    assert refused.value.code == "needs_review"
    assert str(refused.value) == f"before it is done somebody other than {agent.sid} has to review it"
    assert "evidence of kind review" in refused.value.hint
    assert store.get_issue(issue)["evidence"] == []  # refused as a whole

    store.update_issue(other, issue, {"add_evidence": REVIEW})
    store.finish(agent, issue, "fixed")
    assert store.get_issue(issue)["status"] == "done"
    settled(store)


def test_a_review_by_a_person_is_none_by_a_session(
    store: IssueStore, ada: Signer, agent: Signer, other: Signer, issue: str
) -> None:
    store.set_policy(ada, {"review": "person"})
    store.claim(agent, issue)
    store.update_issue(other, issue, {"add_evidence": REVIEW})
    with pytest.raises(Refused, match="a person other than"):
        store.finish(agent, issue, "fixed")

    store.update_issue(ada, issue, {"add_evidence": REVIEW})
    store.finish(agent, issue, "fixed")
    assert store.get_issue(issue)["status"] == "done"
    settled(store)


def test_the_move_to_done_by_another_is_a_review(store: IssueStore, ada: Signer, agent: Signer, issue: str) -> None:
    store.set_policy(ada, {"review": "person"})
    with pytest.raises(Refused):
        store.update_issue(ada, issue, {"status": "done"})  # who created it did the work if nobody claimed it
    store.claim(agent, issue)
    store.release(agent, issue)
    store.update_issue(ada, issue, {"status": "done"})

    assert store.get_issue(issue)["status"] == "done"
    settled(store)


def test_a_review_does_not_outlast_a_claim_nor_a_reopening(
    store: IssueStore, ada: Signer, agent: Signer, issue: str
) -> None:
    store.set_policy(ada, {"review": "another"})
    store.update_issue(ada, issue, {"add_evidence": REVIEW})
    store.claim(agent, issue)
    with pytest.raises(Refused):
        store.finish(agent, issue, "fixed")  # reviewed before the work began

    store.update_issue(ada, issue, {"add_evidence": REVIEW})
    store.finish(agent, issue, "fixed")
    store.update_issue(agent, issue, {"status": "todo"})
    with pytest.raises(Refused):
        store.update_issue(agent, issue, {"status": "done"})


def test_an_entry_that_breaks_the_rule_stays_and_has_no_effect(
    store: IssueStore, ada: Signer, agent: Signer, issue: str
) -> None:
    log = TrustForge(store)
    set_ = store.set_policy(ada, {"review": "another"})
    before = log.write(agent, issue, OPEN)
    bad = log.write(agent, issue, {"type": "claimed", "lease": 600, "cap": 600}, auth=(set_,))
    bad = log.write(agent, issue, DONE, auth=(set_,))

    found = settled(store)
    assert (found[before], found[bad]) == (
        ("ok", ""), ("ok", f"no effect: before it is done somebody other than {agent.sid} has to review it")
    )  # fmt: skip
    assert store.get_issue(issue)["status"] == "todo"


def test_a_status_that_only_claims_to_be_open_does_not_count_as_done(
    store: IssueStore, ada: Signer, agent: Signer, issue: str
) -> None:
    set_ = store.set_policy(ada, {"review": "another", "done_by": "people"})
    TrustForge(store).write(agent, issue, {**DONE, "category": "active"}, auth=(set_,))

    found = store.get_issue(issue)
    assert (found["status"], found["category"], found["closed_at"]) == ("done", "active", None)


def test_a_policy_that_ceased_to_count_asks_for_no_review_any_more(
    store: IssueStore, ada: Signer, agent: Signer, issue: str
) -> None:
    log, bob = TrustForge(store), forge.signer(2, "Bob", "bob@example.org")
    added = log.say(ada, membership.member_added(membership.Member("bob", "B", "b", bob.issuer, "maintainer", "")))
    set_ = log.say(bob, membership.policy({"review": "another"}), after=[added])
    tip = log.show(ada, set_)
    log.write(agent, issue, {"type": "claimed", "lease": 600, "cap": 600}, auth=(set_,))
    bad = log.write(agent, issue, DONE, auth=(set_,))
    assert settled(store)[bad][1].startswith("no effect: before it is done")

    log.show(ada, tip, log.say(ada, membership.member_removed(bob.issuer, ()), after=[added]))
    assert settled(store)[bad] == ("ok", "")
    assert store.get_issue(issue)["status"] == "done"


def reviewed(dice: random.Random, steps: int) -> list[Record]:
    """A history by careless and honest writers, in which reviews are asked for now and then."""
    made, now = [root()], histories.ROOT_MS
    for _ in range(steps):
        now += dice.choice([1, 400, 3000])
        heads = dice.sample(made, k=min(len(made), dice.choice([1, 1, 2])))
        if dice.random() < 0.6:
            heads = [one for one in made if not any(one.id in other.parents for other in made)]
        hlc = (max(now, *(one.hlc[0] + 1 for one in heads)), 0)
        events: list[dict[str, Any]] = [
            dice.choice([
                DONE, DONE, DONE, OPEN, {"type": "evidence-added", **REVIEW[0]}, {"type": "evidence-added", **REVIEW[0]},
                {"type": "claimed", "lease": dice.choice([1, 60]), "cap": 60}, {"type": "label-added", "label": "x"},
            ])
        ]  # fmt: skip
        who = dice.choice(["ada", "bob", "s1", "s2"])
        more = {"person": who in ("ada", "bob"), "review": dice.choice(["", "another", "another", "person"])}
        made.append(record([one.id for one in heads], hlc, who, events, **more))
    return list({one.id: one for one in made}.values())


def test_whether_a_review_was_missing_follows_from_an_entrys_own_past_in_every_order() -> None:
    refused = taken = 0
    for seed in range(150):
        dice = random.Random(seed)
        made = reviewed(dice, 4 + seed % 20)
        whole = fold.fold(made)
        assert snapshot(fold.fold(shuffled(dice, made))) == snapshot(whole), seed
        assert snapshot(step_by_step(causal(dice, made))) == snapshot(whole), seed
        missing = {one.entry for one in whole.rejections}
        past = histories.ancestors(made)
        for one in made:
            alone = fold.fold(other for other in made if other.id in past[one.id])
            assert (one.id in {other.entry for other in alone.rejections}) == (one.id in missing), seed
            if one.review and one.events == [DONE]:
                refused, taken = refused + (one.id in missing), taken + (one.id not in missing)
                assert naive(one, made, past, missing) == (one.id not in missing), seed
    assert min(refused, taken) > 200


def naive(done: Record, made: list[Record], past: dict[str, set[str]], missing: set[str]) -> bool:
    """The rule by its definition (docs/FORMAT.md, 5.7), but for claims that are live, which the fold decides."""
    seen = sorted(
        (one for one in made if one.id in past[done.id] - {done.id} - missing), key=lambda one: (one.hlc, one.id)
    )
    held = fold.fold(one for one in made if one.id in past[done.id] - {done.id}).claim(done.hlc[0])
    if held and held.actor != done.actor:
        return False
    claims = [one for one in seen if one.events[0]["type"] == "claimed"]
    worker = held.actor if held else claims[-1].actor if claims else "ada"

    def left(one: Record) -> bool:
        before = [other for other in seen if other.id in past[one.id] - {one.id} and other.events[0] in (DONE, OPEN)]
        return one.events == [OPEN] and any(
            other.events == [DONE] and not any(o.events == [OPEN] and other.id in past[o.id] for o in before)
            for other in before
        )

    anew = {one.id for one in seen if one in claims or left(one)}
    by = [done] + [one for one in seen if one.events[0].get("kind") == "review" and anew <= past[one.id]]
    return any(one.actor != worker and (one.person or done.review == "another") for one in by)


def test_the_kind_of_evidence_is_one_line_however_it_is_given(store: IssueStore, ada: Signer, issue: str) -> None:
    store.update_issue(ada, issue, {"add_evidence": [{"kind": " code\n review ", "value": "looked at"}]})

    assert [item["kind"] for item in store.get_issue(issue)["evidence"]] == ["code review"]
