"""Claims made on different machines: tentative until told, one winner on every clone, and the loser knows."""

from pathlib import Path
from typing import Any

import pytest

from git_tracker.errors import Conflict
from tests.store.hubs import Clone, Cloning, hub, same


@pytest.fixture
def at(tmp_path: Path) -> Path:
    return hub(tmp_path / "hub.git")


def claim(clone: Clone, id: str) -> Any:
    return clone.store.get_issue(id)["claim"]


def test_without_remotes_a_claim_is_never_tentative(clones: Cloning) -> None:
    alone = clones("alone").begin()
    id = alone.new()
    alone.store.claim(alone.agent(), id)
    assert claim(alone, id)["state"] == "held"


def test_a_claim_is_tentative_until_a_sync_has_told_it(clones: Cloning, at: Path) -> None:
    one = clones("one", origin=at).begin()
    id = one.new()
    one.sync()
    agent = one.agent()

    one.store.claim(agent, id)
    assert claim(one, id)["state"] == "tentative"
    one.fetch()
    assert claim(one, id)["state"] == "tentative"
    one.sync()
    assert claim(one, id)["state"] == "held"

    two = clones("two", origin=at).begin()
    assert claim(two, id)["state"] == "held"
    with pytest.raises(Conflict):
        two.store.claim(two.agent(), id)


def test_of_claims_made_apart_one_wins_everywhere_and_the_loser_is_told(clones: Cloning, at: Path) -> None:
    crowd = [clones("c0", origin=at).begin()]
    id = crowd[0].new()
    crowd[0].sync()
    crowd += [clones(f"c{n}", origin=at).begin() for n in (1, 2)]
    agents = [clone.agent(clone.path.name) for clone in crowd]
    for clone, agent in zip(crowd, agents, strict=True):
        clone.store.claim(agent, id)

    for clone in (*crowd, *crowd):
        clone.sync()

    same(crowd)
    holders = {claim(clone, id)["actor"]["id"] for clone in crowd}
    assert holders == {agents[0].sid}
    assert claim(crowd[0], id)["state"] == "held"
    assert crowd[0].store.lost_claims(agents[0].sid) == []
    for clone, agent in zip(crowd[1:], agents[1:], strict=True):
        lost = clone.store.lost_claims(agent.sid)
        assert [(one["issue"], one["holder"]["id"]) for one in lost] == [(id, agents[0].sid)]
        for act in (
            lambda store=clone.store, by=agent: store.update_issue(by, id, {"priority": 0}),
            lambda store=clone.store, by=agent: store.finish(by, id, "done"),
        ):
            with pytest.raises(Conflict) as caught:
                act()
            assert caught.value.code == "claim_lost"
            assert agents[0].sid in str(caught.value)
        clone.store.comment(agent, id, "I had begun, too")
        clone.store.release(agent, id)
        assert clone.store.lost_claims(agent.sid) == []
        clone.store.update_issue(agent, id, {"priority": 1})

    for clone in (*crowd, *crowd):
        clone.sync()
    same(crowd)
    assert claim(crowd[2], id)["actor"]["id"] == agents[0].sid
    crowd[0].store.finish(agents[0], id, "done")
    crowd[0].sync()
    crowd[1].sync()
    assert crowd[1].store.get_issue(id)["status"] == "done"


def test_the_loser_may_claim_again_when_the_winner_has_given_back(clones: Cloning, at: Path) -> None:
    one = clones("one", origin=at).begin()
    id = one.new()
    one.sync()
    two = clones("two", origin=at).begin()
    first, second = one.agent("first"), two.agent("second")
    one.store.claim(first, id)
    two.store.claim(second, id)
    one.sync()
    two.sync()
    two.store.release(second, id)
    one.store.release(first, id)
    one.sync()
    two.sync()

    two.store.claim(second, id)
    two.sync()
    one.sync()

    assert claim(one, id)["actor"]["id"] == second.sid
    same([one, two])
