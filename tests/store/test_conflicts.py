"""Conflicts: what concurrent writers left to choose from, kept alike everywhere until somebody chooses."""

import random
import subprocess
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from git_tracker.errors import Conflict, Invalid, NotFound
from git_tracker.store import IssueStore, Signer, collision, fold, text
from git_tracker.store.fold import Record
from tests.store import histories
from tests.store.forge import Forge, edited, label, signer
from tests.store.governed import exchange, settled
from tests.store.histories import record, snapshot

TEXT = "The pump leaks. It drips.\n\nNobody has looked at the valve yet.\n"


@pytest.fixture
def forged(store: IssueStore) -> Forge:
    return Forge(store)


@pytest.fixture
def bob(store: IssueStore, ada: Signer) -> Signer:
    """A second person."""
    found = signer(7, "Bob Byte", "bob@example.org")
    store.add_member(ada, found.identity.public_key, "bob", "Bob Byte", "bob@example.org", "writer")
    return found


@pytest.fixture
def issue(store: IssueStore, ada: Signer, bob: Signer) -> str:
    return store.create_issue(ada, {"title": "A leak", "description": TEXT})


def shown(store: IssueStore, issue: str) -> dict[str, Any]:
    """The one conflict of an issue, with who wrote what."""
    (conflict,) = store.get_issue(issue)["conflicts"]
    return {**conflict, "values": {value["author"]["id"]: value["value"] for value in conflict["values"]}}


def test_edits_of_different_paragraphs_merge_by_themselves(
    store: IssueStore, forged: Forge, ada: Signer, bob: Signer, issue: str
) -> None:
    mine, theirs = TEXT.replace("leaks", "leaks badly"), TEXT.replace("valve", "old valve")
    forged.apart(issue, (ada, [edited(TEXT, mine)]), (bob, [edited(TEXT, theirs)]))

    found = store.get_issue(issue)
    assert found["description"] == mine.replace("valve", "old valve")
    assert found["conflicts"] == []
    assert store.conflicts()["items"] == []
    assert len(found["heads"]) == 2


def test_edits_of_one_sentence_are_shown_with_their_base_until_one_is_chosen(
    store: IssueStore, forged: Forge, ada: Signer, bob: Signer, issue: str
) -> None:
    mine, theirs = TEXT.replace("leaks", "floods the hall"), TEXT.replace("leaks", "is fine")
    made = forged.apart(issue, (ada, [edited(TEXT, mine)]), (bob, [edited(TEXT, theirs)]))

    conflict = shown(store, issue)
    merged = store.get_issue(issue)["description"]
    assert conflict == {
        "field": "description", "strategy": "merge", "values": {"ada": mine, "bob": theirs}, "base": TEXT, "result": merged,
    }  # fmt: skip
    assert "floods the hall" in merged
    assert "is fine" in merged
    (row,) = store.conflicts()["items"]
    assert (row["id"], row["conflicted"]) == (issue, True)
    assert all(len(value["value"]) < len(TEXT) + 20 for value in row["conflicts"][0]["values"])
    settled(store)

    store.comment(ada, issue, "I have seen both.")
    assert shown(store, issue) == conflict
    store.resolve(ada, issue, "description", take=made[1][:12])
    assert (store.get_issue(issue)["description"], store.get_issue(issue)["conflicts"]) == (theirs, [])
    last = store.history(issue)["items"][-1]
    assert (last["type"], last["summary"], last["actor"]["id"]) == ("conflict-resolved", "resolved description", "ada")
    with pytest.raises(Conflict) as refused:
        store.resolve(ada, issue, "description", "late")
    assert refused.value.code == "no_conflict"
    settled(store)


@pytest.mark.parametrize("how", ["result", "base", "own words", "edit"])
def test_whatever_is_chosen_holds_for_all_and_is_one_entry(
    store: IssueStore, forged: Forge, ada: Signer, bob: Signer, issue: str, how: str
) -> None:
    mine, theirs = TEXT.replace("leaks", "floods"), TEXT.replace("leaks", "bursts")
    forged.apart(issue, (ada, [edited(TEXT, mine)]), (bob, [edited(TEXT, theirs)]))
    merged, entries = store.get_issue(issue)["description"], store.health()["entries"]
    chosen = {"result": merged, "base": TEXT, "own words": "Both.", "edit": "Both."}[how]
    if how in ("result", "base"):
        store.resolve(ada, issue, "description", take=how)
    elif how == "edit":
        store.update_issue(ada, issue, {"description": chosen})
    else:
        store.resolve(ada, issue, "description", chosen)

    assert (store.get_issue(issue)["description"], store.get_issue(issue)["conflicts"]) == (chosen, [])
    assert store.health()["entries"] == entries + 1
    settled(store)


def test_an_edit_that_knew_only_one_side_settles_nothing(
    store: IssueStore, forged: Forge, ada: Signer, bob: Signer, issue: str
) -> None:
    mine, theirs = TEXT.replace("leaks", "floods"), TEXT.replace("leaks", "bursts")
    left, right = forged.apart(issue, (ada, [edited(TEXT, mine)]), (bob, [edited(TEXT, theirs)]))
    more = mine.replace("valve", "small valve")
    auth = store._projection.trust.heads
    forged.point(issue, forged.add(ada, [edited(mine, more)], [left], auth=auth))
    store.refresh(force=True)

    assert shown(store, issue)["values"] == {"ada": more, "bob": theirs}
    assert shown(store, issue)["base"] == TEXT
    assert right in store.get_issue(issue)["heads"]


def test_an_edit_elsewhere_by_a_third_is_in_every_side(
    store: IssueStore, forged: Forge, ada: Signer, bob: Signer, issue: str
) -> None:
    other = TEXT.replace("valve", "third valve")
    mine, theirs = TEXT.replace("leaks", "floods"), TEXT.replace("leaks", "bursts")
    eve = store.delegate(ada, client="c/1", label="eve")
    forged.apart(issue, *((by, [edited(TEXT, new)]) for by, new in ((ada, mine), (bob, theirs), (eve, other))))

    conflict = shown(store, issue)
    assert set(conflict["values"]) == {"ada", "bob"}
    assert all("third valve" in value for value in (conflict["base"], *conflict["values"].values()))


def test_edits_of_one_sentence_of_a_comment_are_shown_and_a_redaction_ends_it(
    store: IssueStore, forged: Forge, ada: Signer, bob: Signer, issue: str
) -> None:
    store.comment(ada, issue, "The seal is old.")
    part = store.get_issue(issue)["comments"][0]["id"]

    def say(new: str) -> list[dict[str, Any]]:
        return [{"type": "comment-edited", "comment": part, "operations": text.difference("The seal is old.", new)}]

    forged.apart(issue, (ada, say("The seal is worn.")), (bob, say("The seal is new.")))
    assert shown(store, issue)["field"] == f"comment:{part}"
    assert shown(store, issue)["values"] == {"ada": "The seal is worn.", "bob": "The seal is new."}
    assert "worn" in str(store.conflicts()["items"])

    store.apply_event(ada, issue, _decoded({"type": "comment-redacted", "comment": part}))
    assert store.get_issue(issue)["conflicts"] == []
    assert store.conflicts()["items"] == []
    settled(store)
    with pytest.raises(Conflict):
        store.resolve(ada, issue, f"comment:{part}", take="result")


def _decoded(fields: dict[str, Any]) -> Any:
    from git_tracker.store import events

    return events.decode(fields)


def test_a_value_is_taken_by_its_entry_and_a_wrong_one_leaves_no_trace(
    store: IssueStore, forged: Forge, ada: Signer, bob: Signer, issue: str
) -> None:
    made = forged.apart(
        issue,
        (ada, [{"type": "title-changed", "title": "A drip"}, {"type": "priority-changed", "priority": 0}]),
        (bob, [{"type": "title-changed", "title": "A flood"}, {"type": "priority-changed", "priority": 4}]),
    )
    found = {conflict["field"]: conflict for conflict in store.get_issue(issue)["conflicts"]}
    assert {field: (c["base"], c["result"], c["strategy"]) for field, c in found.items()} == {
        "title": ("A leak", "A flood", "last-writer"), "priority": (2, 4, "last-writer"),
    }  # fmt: skip
    entries = store.health()["entries"]
    for take in ("f" * 12, made[0][:3], "", "nothing"):
        with pytest.raises((Conflict, Invalid)):
            store.resolve(ada, issue, "title", take=take)
    with pytest.raises(NotFound):
        store.resolve(ada, issue, "colour", "red")
    with pytest.raises(Invalid):
        store.resolve(ada, issue, "priority", "9")
    assert store.health()["entries"] == entries

    store.resolve(ada, issue, "title", take=made[0])
    store.resolve(bob, issue, "priority", "1")
    done = store.get_issue(issue)
    assert (done["title"], done["priority"], done["conflicts"]) == ("A drip", 1, [])


def test_two_clones_that_meet_show_one_conflict_and_one_answer_settles_both(
    store: IssueStore, ada: Signer, bob: Signer, issue: str, tmp_path: Path
) -> None:
    subprocess.run(["git", "init", "--quiet", tmp_path / "clone"], check=True)
    other = IssueStore.open(str(tmp_path / "clone"))
    exchange(store, other)
    other.refresh(force=True)
    mine, theirs = TEXT.replace("leaks", "floods"), TEXT.replace("leaks", "bursts")
    store.update_issue(ada, issue, {"description": mine, "title": "A flood"})
    other.update_issue(bob, issue, {"description": theirs, "title": "A burst"})
    for source, target in ((store, other), (other, store)):
        exchange(source, target)
        target.refresh(force=True)
    assert store.get_issue(issue) == other.get_issue(issue)
    assert [conflict["field"] for conflict in store.get_issue(issue)["conflicts"]] == ["title", "description"]

    other.resolve(bob, issue, "description", "The pump floods and bursts.")
    store.resolve(ada, issue, "title", "A pump")
    for source, target in ((store, other), (other, store)):
        exchange(source, target)
        target.refresh(force=True)
    found = store.get_issue(issue)
    assert found == other.get_issue(issue)
    assert (found["title"], found["description"]) == ("A pump", "The pump floods and bursts.")
    assert found["conflicts"] == []
    other.close()


def moved(to: str, category: str) -> list[dict[str, Any]]:
    return [{"type": "status-changed", "to": to, "category": category}]


def test_a_manual_field_keeps_its_base_until_somebody_chooses(
    store: IssueStore, forged: Forge, ada: Signer, bob: Signer, issue: str
) -> None:
    store.set_policy(ada, {"manual_fields": ["status", "title"]})
    made = forged.apart(
        issue, (ada, moved("in-progress", "active")),
        (bob, [*moved("done", "done"), {"type": "title-changed", "title": "B"}]),
    )  # fmt: skip
    found = store.get_issue(issue)
    assert (found["status"], found["category"], found["title"]) == ("todo", "todo", "B"), "only one wrote the title"
    conflict = shown(store, issue)
    assert (conflict["strategy"], conflict["base"], conflict["result"]) == ("manual", "todo", "todo")
    settled(store)

    store.resolve(ada, issue, "status", take=made[1])
    found = store.get_issue(issue)
    assert (found["status"], found["category"], found["conflicts"]) == ("done", "done", [])
    assert found["closed_at"]
    settled(store)


def test_a_policy_binds_the_issues_whose_entries_have_seen_it(
    store: IssueStore, forged: Forge, ada: Signer, bob: Signer, issue: str
) -> None:
    forged.apart(issue, (ada, moved("in-progress", "active")), (bob, moved("done", "done")))
    assert store.get_issue(issue)["status"] == "done", "the latest"
    store.set_policy(ada, {"manual_fields": ["status"]})
    store.rebuild()
    assert store.get_issue(issue)["status"] == "done"
    store.comment(ada, issue, "I know the policy.")
    assert store.get_issue(issue)["status"] == "todo"
    settled(store)
    store.set_policy(ada, {"manual_fields": []})
    store.comment(ada, issue, "And that it is gone.")
    assert store.get_issue(issue)["status"] == "done"


@pytest.mark.parametrize("rules", [{"manual_fields": "status"}, {"manual_fields": ["labels"]}, {"manual_fields": [1]}])
def test_a_policy_about_fields_that_nobody_knows_is_refused(
    store: IssueStore, ada: Signer, rules: dict[str, Any]
) -> None:
    with pytest.raises(Invalid):
        store.set_policy(ada, rules)


def test_a_status_is_chosen_as_the_workflow_and_the_scope_allow(
    store: IssueStore, forged: Forge, ada: Signer, bob: Signer, issue: str
) -> None:
    forged.apart(issue, (ada, moved("in-progress", "active")), (bob, moved("far-away", "done")))
    with pytest.raises(Invalid):
        store.resolve(ada, issue, "status", "nowhere")
    editor = store.delegate(ada, client="c/1", label="editor", scope={"operations": ["edit"]})
    with pytest.raises(Exception, match="out of scope"):
        store.resolve(editor, issue, "status", "todo")
    store.resolve(ada, issue, "status", "far-away")
    assert (store.get_issue(issue)["status"], store.get_issue(issue)["category"]) == ("far-away", "done")


# what collides, by its definition


def sides(*changes: str, base: str = TEXT) -> list[str] | None:
    """The sides shown when so many people write their own text over one base; None if it merges by itself."""
    start = record((), (1000, 0), "ada", [{"type": "created", "nonce": "00" * 16, "title": "T", "description": base}])
    made = [record([start.id], (2000 + n, 0), f"w{n}", [edited(base, new)]) for n, new in enumerate(changes)]
    found = fold.fold([start, *made]).conflicts.get("description")
    return None if found is None else [side[-1] for side in found["sides"]]


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("The big pump leaks. It drips.", "The pump leaks badly. It drips."),
        ("The pump leaks. It drips. A lot.", "The pump leaks. It drips. Not much."),
        ("Help! The pump leaks. It drips.", "Look: the pump leaks. It drips."),
        ("The pump leaks.", "The pump leaks. It drips badly."),
        ("The pump leaks. It drips.\nEnd.", "The pump leaks. It drips.\n\nFin."),
    ],
)
def test_what_touches_one_sentence_or_one_place_collides(one: str, two: str) -> None:
    assert sides(one, two, base="The pump leaks. It drips.") == [one, two]


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("The pump leaks badly. It drips.", "The pump leaks. It never drips."),
        ("The pump leaks. It drips. A lot.", "The old pump leaks. It drips."),
        ("Help! The pump leaks. It drips.", "The pump leaks badly. It drips."),
        ("The pump leaks. Here. It drips.", "The pump leaks. It drips badly."),
        ("The pump leaks.", "The pump leaks."),
        ("The pump leaks. It drips.\n\nMore.", "The pump leaks. It never drips."),
    ],
)
def test_what_touches_different_sentences_or_says_the_same_merges(one: str, two: str) -> None:
    assert sides(one, two, base="The pump leaks. It drips.") is None


def test_exactly_those_who_changed_the_same_sentence_are_shown() -> None:
    for seed in range(60):
        dice = random.Random(seed)
        sentences = [
            f"Number {n} {dice.choice(['runs', 'rests'])}{dice.choice(['. ', '! ', '? ', chr(10)])}" for n in range(5)
        ]
        chosen = [dice.randrange(5) for _ in range(dice.randint(2, 4))]
        changed = [
            "".join(text.replace("Number", f"Line{who}") if n == own else text for n, text in enumerate(sentences))
            for who, own in enumerate(chosen)
        ]
        shared = [who for who, own in enumerate(chosen) if chosen.count(own) > 1]
        found = sides(*changed, base="".join(sentences))
        assert len(found or ()) == len(shared), seed
        assert all(f"Line{who}" in str(found) for who in range(len(chosen)) if shared), (
            "who collides with none is in all"
        )


def test_many_who_rewrite_one_text_are_all_counted_and_the_latest_shown() -> None:
    everybody = [TEXT.replace("leaks", f"leaks {n} l") for n in range(30)]
    assert sides(*everybody) == everybody[-collision.MOST :]


def naive(made: list[Record]) -> bool:
    """Whether a history of one-sentence texts leaves a collision open: two edits side by side that both changed it."""
    past = histories.ancestors(made)
    by_id = {one.id: one for one in made}
    edits = [one for one in made if any(_touches(event) for event in one.events)]
    tops = [one.id for one in edits if not any(one.id in past[other.id] for other in edits if other is not one)]

    def at(version: set[str]) -> str:
        return fold.fold(by_id[id] for id in version).text("description")

    for one, two in combinations(tops, 2):
        base, left, right = at(past[one] & past[two]), at(past[one]), at(past[two])
        if base not in (left, right) and not left == right == at(past[one] | past[two]):
            return True
    return False


def _touches(event: dict[str, Any]) -> bool:
    return event["type"] in ("created", "description-edited") or event.get("field") == "description"


def with_answers(dice: random.Random, made: list[Record]) -> list[Record]:
    """The same history, and on top of what somebody may know now and then an answer that confirms or changes the text."""
    found = list(made)
    for number in range(4):
        heads = [one.id for one in dice.sample(found, min(len(found), dice.randint(1, 3)))]
        past = histories.ancestors(found)
        known = set[str]().union(*(past[id] for id in heads))
        state = fold.fold(one for one in found if one.id in known)
        operations = histories.edit(dice, state.text("description")) if dice.random() < 0.5 else []
        answer = {"type": "conflict-resolved", "field": "description", "value": operations}
        hlc = max(one.hlc for one in found)
        found.append(record(state.heads, (hlc[0], hlc[1] + 1 + number), f"w{number}", [answer]))
    return found


@pytest.mark.parametrize("start", range(0, 160, 40))
def test_equal_sets_of_entries_leave_equal_conflicts_in_every_order(start: int) -> None:
    open_ones = 0
    for seed in range(start, start + 40):
        dice = random.Random(seed)
        made = with_answers(dice, histories.history(dice, 3, 10))
        state = fold.fold(made)
        expected = snapshot(state)
        for _ in range(3):
            assert snapshot(fold.fold(histories.shuffled(dice, made))) == expected
            assert snapshot(histories.step_by_step(histories.causal(dice, made))) == expected
        assert state.rejections == []
        assert naive(made) == ("description" in state.conflicts)
        open_ones += "description" in state.conflicts
        for document, found in state.conflicts.items():
            assert len(found["sides"]) >= 2, document
            assert {side[0] for side in found["sides"]} <= {one.id for one in made}
        last = record(state.heads, (10**12, 0), "ada", [_answer()])
        after = fold.fold([*made, last])
        assert after.conflicts.keys() <= state.conflicts.keys() - {"description"}
        assert after.text("description") == state.text("description")
    assert open_ones > 5


def _answer() -> dict[str, Any]:
    return {"type": "conflict-resolved", "field": "description", "value": []}


def test_a_long_history_of_one_writer_after_another_keeps_no_base() -> None:
    made = [histories.root()]
    old = "hello world"
    for number in range(300):
        new = f"{old[:40]} {number}"
        made.append(record([made[-1].id], (made[-1].hlc[0] + 1, 0), f"w{number % 2}", [edited(old, new)]))
        old = new
    state = fold.fold(made)
    assert (state.text("description"), state.conflicts, state.bases) == (old, {}, {})


def test_a_muted_or_doubled_answer_settles_nothing() -> None:
    start = histories.root()
    one = record([start.id], (start.hlc[0] + 1, 0), "ada", [edited("hello world", "hello sea")])
    two = record([start.id], (start.hlc[0] + 2, 0), "bob", [edited("hello world", "hello sky"), label("y")])
    answer = record([one.id, two.id], (start.hlc[0] + 3, 0), "eve", [_answer()], muted=True)
    assert "description" in fold.fold([start, one, two, answer]).conflicts
    assert fold.fold([start, one, two, answer._replace(muted=False)]).conflicts == {}
