"""Search by words: a text is found from the moment it is written, by anybody, for as long as it stands there."""

from collections.abc import Iterator

import pytest

from git_tracker.store import IssueStore, Reader, Signer, events
from tests.store.forge import Forge

MANY = 80  # texts: more than are left outstanding


@pytest.fixture
def other(store: IssueStore, ada: Signer) -> Iterator[Reader]:
    """Somebody else who only reads."""
    store.create_issue(ada, {"title": "The first"})
    found = Reader(store.place, store._index_path)
    yield found
    found.close()


def found(reader: Reader, words: str) -> set[str]:
    return {row["id"] for row in reader.list_issues(words)["items"]}


def outstanding(store: IssueStore) -> int:
    return int(store.reader.execute("select count(*) from outstanding").fetchone()[0])


def test_what_was_written_a_moment_ago_is_found_in_another_process(
    store: IssueStore, other: Reader, ada: Signer
) -> None:
    issue = store.create_issue(ada, {"title": "Rhubarb", "description": "grows in the café"})
    store.comment(ada, issue, "with custard on top")

    for words in ("rhub", '"on top"', "CAFE", "custard rhubarb"):
        assert found(other, words) == {issue}, words
    assert found(other, "custard cabbage") == set()
    assert issue not in found(other, "-custard")
    assert outstanding(store) > 0


def test_every_text_is_found_however_many_are_written(store: IssueStore, other: Reader, ada: Signer) -> None:
    issues = [store.create_issue(ada, {"title": f"Plum {number} plain"}) for number in range(MANY)]
    for issue in issues:
        store.comment(ada, issue, "stewed slowly")

    assert other.list_issues("plum")["total"] == other.list_issues("stewed plain")["total"] == MANY
    assert [found(other, f'"plum {number} plain"') for number in range(MANY)] == [{issue} for issue in issues]
    assert outstanding(store) < MANY


@pytest.mark.parametrize("more", [0, MANY])
def test_what_an_edit_took_out_is_not_found_any_more(store: IssueStore, other: Reader, ada: Signer, more: int) -> None:
    issue = store.create_issue(ada, {"title": "Rhubarb", "description": "sour"})
    store.comment(ada, issue, "a secret")
    store.comment(ada, issue, "a mistake")
    for number in range(more):  # as many as it takes for the first to be indexed
        store.create_issue(ada, {"title": f"Plum {number}"})
    secret, mistake = (note["id"] for note in store.get_issue(issue)["comments"])

    store.update_issue(ada, issue, {"title": "Gooseberry", "description": "sweet"})
    store.apply_event(ada, issue, events.decode({"type": "comment-redacted", "comment": secret}))
    edit = {"type": "comment-edited", "comment": mistake, "operations": [2, -len("mistake"), "correction"]}
    store.apply_event(ada, issue, events.decode(edit))

    for words in ("rhubarb", "sour", "secret", "mistake"):
        assert found(other, words) == set(), words
    assert found(other, "gooseberry sweet correction") == {issue}
    store.rebuild()
    assert found(store, "secret") == found(store, "sour") == set()
    assert found(store, "gooseberry sweet correction") == {issue}


def test_a_long_text_is_not_left_outstanding(store: IssueStore, other: Reader, ada: Signer) -> None:
    issue = store.create_issue(ada, {"title": "Long", "description": "pear " * 2000})

    assert outstanding(store) == 0
    assert found(other, "pear") == {issue}


def test_a_history_that_lost_comments_is_found_by_those_it_has(store: IssueStore, ada: Signer) -> None:
    issue = store.create_issue(ada, {"title": "Moved"})
    start = Forge(store).tip(issue)
    store.comment(ada, issue, "apple")
    store.comment(ada, issue, "quince")
    Forge(store).point(issue, start)
    store.comment(ada, issue, "medlar")

    assert found(store, "medlar") == {issue}
    assert found(store, "apple") == found(store, "quince") == set()


def test_a_title_just_written_is_like_another(store: IssueStore, ada: Signer) -> None:
    old = store.create_issue(ada, {"title": "Stewed rhubarb boils over"})
    for number in range(MANY):
        store.create_issue(ada, {"title": f"Plum {number}"})
    new = store.create_issue(ada, {"title": "Stewed rhubarb burns"})

    assert store.similar("Stewed rhubarb boils") == [old, new]
    assert store.similar("Stewed rhubarb burns quickly") == [new]
