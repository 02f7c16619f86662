"""The fold: one state for one set of entries, whatever the order of arrival, the clocks, and who was hostile."""

import itertools
import os
import random
import time

import pytest

from git_tracker.store import fold, graph, text
from git_tracker.store.fold import Record
from tests.store import histories
from tests.store.histories import (
    causal,
    history,
    hostile,
    naive,
    reading,
    record,
    root,
    shuffled,
    snapshot,
    step_by_step,
)


def check(seed: int) -> None:
    dice = random.Random(seed)
    made = history(dice, 2 + seed % 4, 6 + seed % 20)
    expected = snapshot(fold.fold(made))

    assert expected["rejections"] == [], "what an honest client writes takes effect"
    for _ in range(3):
        assert snapshot(fold.fold(shuffled(dice, made))) == expected, "arrival"
        assert snapshot(step_by_step(causal(dice, made))) == expected, "step by step"
    assert reading(fold.fold(made)) == naive(made, set())
    own_views(made)
    texts(dice, made)


def own_views(made: list[Record]) -> None:
    """What an author saw, changed as they changed it, is what the entry's own past folds to."""
    past = histories.ancestors(made)
    by_id = {record.id: record for record in made}
    for one in made[1:]:
        before = fold.fold(by_id[id] for id in past[one.id] if id != one.id)
        after = fold.fold(by_id[id] for id in past[one.id])
        expected = before.text("description")
        for event in one.events:
            if event["type"] == "description-edited":
                expected = text.apply(expected, event["operations"]) or ""
        assert after.text("description") == expected
        assert after.heads == [one.id]


def texts(dice: random.Random, made: list[Record]) -> None:
    """The walk gives one text for every order in which parents come first."""
    past = histories.ancestors(made)
    expected = fold.fold(made).text("description")
    for _ in range(3):
        walk = text.Walk("")
        for one in causal(dice, made):
            for event in one.events:
                if event["type"] == "created":
                    walk.step(one.id, [event["description"]], past[one.id])
                elif event["type"] == "description-edited":
                    walk.step(one.id, event["operations"], past[one.id])
        assert walk.text() == expected


def check_hostile(seed: int) -> None:
    dice = random.Random(seed)
    made = hostile(dice, history(dice, 2 + seed % 3, 8))
    folded = fold.fold(made)
    expected = snapshot(folded)
    for _ in range(4):
        assert snapshot(fold.fold(shuffled(dice, made))) == expected, "arrival"
        stepped = snapshot(step_by_step(causal(dice, made)))
        assert stepped == expected, "step by step"
    rejected = {rejection.entry for rejection in folded.rejections if rejection.position is None}
    first = {record.digest: min(other.id for other in made if other.digest == record.digest) for record in made}
    twins = {record.id for record in made if first[record.digest] != record.id}
    assert reading(folded) == naive(made, rejected | twins)
    assert "evil" not in folded.sets.get("labels", {})


@pytest.mark.parametrize("start", range(0, 240, 40))
def test_equal_sets_of_entries_give_equal_states_in_every_order(start: int) -> None:
    for seed in range(start, start + 40):
        check(seed)


@pytest.mark.parametrize("start", range(0, 240, 40))
def test_hostile_muted_doubled_and_uprooted_entries_change_nothing_about_that(start: int) -> None:
    for seed in range(start, start + 40):
        check_hostile(seed)


def test_every_order_of_delivery_of_small_histories_gives_one_state() -> None:
    for seed in range(8):
        made = history(random.Random(10**6 + seed), 3, 9)[:6]
        expected = snapshot(fold.fold(made))
        for order in itertools.permutations(made):
            assert snapshot(fold.fold(order)) == expected
            writer = histories.Writer("reader", 0, random.Random(0))
            for one in order:
                writer.learn([one])  # what waits for its parents is handed over again, as a sync would
            writer.learn(order)
            assert snapshot(writer.view()) == expected


@pytest.mark.soak
def test_histories_keep_converging_however_many_there_are() -> None:
    end, seed = time.monotonic() + float(os.environ.get("SOAK_SECONDS", "600")), 10_000
    while time.monotonic() < end:
        check(seed)
        check_hostile(seed)
        seed += 1


def after(parent: Record, actor: str, *events: dict[str, object], ms: int = 1, **more: object) -> Record:
    return record([parent.id], (parent.hlc[0] + ms, 0), actor, list(events), **more)


def claimed(lease: int = 60) -> dict[str, object]:
    return {"type": "claimed", "lease": lease, "cap": 3600}


def test_concurrent_values_of_a_field_are_a_conflict_until_somebody_writes_it_again() -> None:
    start = root()
    one = after(start, "ada", {"type": "title-changed", "title": "A drip"})
    two = after(start, "bob", {"type": "title-changed", "title": "A flood"}, ms=2)
    both = fold.fold([start, one, two])
    settled = record([one.id, two.id], (start.hlc[0] + 3, 0), "ada", [{"type": "title-changed", "title": "Dry"}])

    assert both.value("title") == "A flood"
    assert {write[5] for write in both.registers["title"]} == {"A drip", "A flood"}
    assert [write[5] for write in fold.fold([start, one, two, settled]).registers["title"]] == ["Dry"]


def test_an_add_survives_a_remove_that_had_not_seen_it() -> None:
    start = root()
    removed = after(start, "ada", {"type": "label-removed", "label": "x"}, ms=9)
    added = after(start, "bob", {"type": "label-added", "label": "x"})

    assert set(fold.fold([start, removed, added]).sets["labels"]) == {"x"}
    assert set(fold.fold([start, removed]).sets["labels"]) == set()


def test_a_redaction_wins_over_an_edit_that_had_not_seen_it() -> None:
    start = root()
    said = after(start, "ada", {"type": "comment-added", "body": "my password is x"})
    part = f"{said.id}.0"
    redacted = after(said, "ada", {"type": "comment-redacted", "comment": part})
    edited = after(said, "bob", {"type": "comment-edited", "comment": part, "operations": ["oh: "]}, ms=7)

    assert fold.fold([start, said, redacted, edited]).comments[part]["redacted"] is True


def test_an_entry_takes_effect_as_a_whole_or_not_at_all() -> None:
    start = root()
    half = after(start, "ada", {"type": "label-added", "label": "y"}, {"type": "claim-released", "claim": "f" * 40})
    state = fold.fold([start, half])

    assert set(state.sets["labels"]) == {"x"}
    assert [(r.entry, r.position, r.reason) for r in state.rejections] == [(half.id, None, "no such claim")]


@pytest.mark.parametrize(
    "first", [{"type": "label-added", "label": "y"}, {"type": "created", "nonce": "22" * 16, "title": "Two"}]
)
def test_a_created_event_stands_first_and_nowhere_else(first: dict[str, object]) -> None:
    created = {"type": "created", "nonce": "11" * 16, "title": "again"}
    start = record((), (1, 0), "ada", [first, created])
    state = fold.fold([start])

    assert state.created == {}
    assert state.rejections[0].entry == start.id


def test_a_criterion_cannot_be_checked_by_somebody_who_had_not_seen_it() -> None:
    start = root()
    added = after(start, "ada", {"type": "criterion-added", "text": "it is dry"})
    checked = after(start, "bob", {"type": "criterion-checked", "criterion": f"{added.id}.0"}, ms=5)
    state = fold.fold([start, added, checked])

    assert not state.value(f"checked:{added.id}.0")
    assert [rejection.entry for rejection in state.rejections] == [checked.id]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("category", {"a": 1}), ("deferred", "never"), ("archived", [1]), ("estimate", "long"), ("branch", 7),
        ("title", ""), ("priority", 9), ("status", None), ("due", "soon"), ("nothing", 1),
    ],
)  # fmt: skip
def test_a_conflict_cannot_be_resolved_to_what_the_field_cannot_hold(field: str, value: object) -> None:
    start = root()
    written = after(
        start, "ada", {"type": "deferred", "until": 5}, {"type": "estimate-set", "estimate": 5}, {"type": "archived"},
        {"type": "branch-linked", "branch": "main"}, {"type": "due-set", "due": 7},
    )  # fmt: skip
    resolved = after(written, "eve", {"type": "conflict-resolved", "field": field, "value": value})
    state = fold.fold([start, written, resolved])

    assert [rejection.entry for rejection in state.rejections] == [resolved.id]


def test_what_is_written_under_a_superseded_claim_is_rejected_whoever_else_writes_meanwhile() -> None:
    start = root()
    one = after(start, "a1", claimed(1))
    two = after(one, "a2", claimed(), ms=5000)
    late = after(two, "a1", {"type": "label-added", "label": "late"}, under=one.id)
    apart = after(one, "w3", {"type": "label-added", "label": "apart"}, ms=9000)

    for entries in ([start, one, two, late], [start, one, two, late, apart]):
        state = fold.fold(entries)
        assert "late" not in state.sets["labels"]
        assert [rejection.entry for rejection in state.rejections] == [late.id]


def test_a_claim_excludes_others_and_finishing_by_others_and_nothing_else() -> None:
    start = root()
    held = after(start, "a1", claimed())
    others = [
        after(held, "a2", claimed()),
        after(held, "a2", {"type": "status-changed", "to": "done", "category": "done"}),
    ]
    free = after(held, "a2", {"type": "comment-added", "body": "me too"}, {"type": "title-changed", "title": "T"})

    for other in others:
        assert [r.entry for r in fold.fold([start, held, other]).rejections] == [other.id]
    assert fold.fold([start, held, free]).rejections == []


def test_of_concurrent_claims_the_earliest_wins_everywhere() -> None:
    start = root()
    one = after(start, "a1", claimed(), ms=2)
    two = after(start, "a2", claimed(), ms=3)
    for order in ([start, one, two], [start, two, one]):
        claim = fold.fold(order).claim(start.hlc[0] + 10)
        assert claim is not None
        assert claim.actor == "a1"


def test_a_lease_ends_is_renewed_by_writes_and_never_outlives_its_cap() -> None:
    start = root()
    began = after(start, "a1", {"type": "claimed", "lease": 60, "cap": 100})
    at = began.hlc[0]
    state = fold.fold([start, began])
    assert state.claim(at + 59_999) is not None
    assert state.claim(at + 60_000) is None

    wrote = after(began, "a1", {"type": "time-logged", "seconds": 1}, ms=50_000)
    renewed = fold.fold([start, began, wrote])
    assert renewed.claim(at + 99_999) is not None
    assert renewed.claim(at + 100_000) is None, "50 s + 60 s would be past the cap"


def test_a_deep_history_folds_without_recursion() -> None:
    made = [root()]
    for number in range(10_000):
        made.append(after(made[-1], "ada", {"type": "label-added", "label": f"l{number % 7}"}))
    random.Random(1).shuffle(made)
    state = fold.fold(made)

    assert state.events == 10_002
    assert len(state.heads) == 1


@pytest.mark.soak
def test_a_history_of_a_hundred_thousand_entries_folds() -> None:
    made = [root()]
    for number in range(100_000):
        made.append(after(made[-1], "ada", {"type": "comment-added", "body": f"{number}"}))
    assert len(fold.fold(made).comments) == 100_000


def test_many_heads_fold_in_one_pass() -> None:
    start = root()
    made = [start] + [after(start, f"w{n}", {"type": "label-added", "label": f"l{n}"}, ms=n + 1) for n in range(300)]
    state = fold.fold(made)

    assert len(state.heads) == 300
    assert len(state.sets["labels"]) == 301


def test_stretches_end_where_everything_passes_through() -> None:
    start = root()
    one, two = after(start, "a", claimed()), after(start, "b", claimed(), ms=2)
    joined = record([one.id, two.id], (start.hlc[0] + 9, 0), "a", [{"type": "archived"}])
    last = after(joined, "a", {"type": "unarchived"})
    order = graph.topological({record.id: record for record in (last, joined, two, one, start)})

    assert [[node.id for node in stretch] for stretch in graph.stretches(order)] == [
        [start.id], [one.id, two.id, joined.id], [last.id]
    ]  # fmt: skip
