"""Replicas that write, exchange what they have in any direction, order and number, and never drift apart."""

import random
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from git_tracker.store import text
from tests.store import histories
from tests.store.histories import Writer, root, snapshot

WHO = st.integers(0, 2)


class Replicas(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.now = histories.ROOT_MS
        self.writers = [Writer(f"w{n}", skew, random.Random(n)) for n, skew in enumerate((0, 10**9, -4000))]
        for writer in self.writers:
            writer.learn([root()])

    @rule(
        who=WHO, passed=st.integers(0, 99_999), kind=st.sampled_from(["insert", "delete", "title", "label", "comment", "claim"]),
        at=st.integers(0, 50), size=st.integers(1, 4), word=st.sampled_from("wxyz"),
    )  # fmt: skip
    def write(self, who: int, passed: int, kind: str, at: int, size: int, word: str) -> None:
        self.now += passed
        writer = self.writers[who]
        old = writer.view().text("description")
        at = min(at, len(old))
        new = old[:at] + (word * size if kind == "insert" else "") + old[at + (size if kind == "delete" else 0) :]
        event: dict[str, Any] = {
            "title": {"type": "title-changed", "title": word},
            "label": {"type": "label-added" if size % 2 else "label-removed", "label": word},
            "comment": {"type": "comment-added", "body": word},
            "claim": {"type": "claimed", "lease": size * 10, "cap": 600},
        }.get(kind) or {"type": "description-edited", "operations": text.difference(old, new)}
        if event.get("operations") == []:
            return
        made = writer.write(self.now, [event])
        if kind in ("insert", "delete"):
            assert made is not None
            assert writer.view().text("description") == new, "everybody reads their own writes"

    @rule(giver=WHO, taker=WHO, dice=st.randoms(use_true_random=False))
    def exchange(self, giver: int, taker: int, dice: random.Random) -> None:
        known = list(self.writers[giver].known.values())
        dice.shuffle(known)
        self.writers[taker].learn(known + known[:2])

    @invariant()
    def equal_sets_give_equal_states(self) -> None:
        seen: dict[frozenset[str], Any] = {}
        for writer in getattr(self, "writers", ()):
            state = snapshot(writer.view())
            assert seen.setdefault(frozenset(writer.known), state) == state

    def teardown(self) -> None:
        writers = getattr(self, "writers", ())
        for writer in writers:
            for other in writers:
                other.learn(writer.known.values())
        for writer in writers:
            for other in writers:
                other.learn(writer.known.values())
        states = [snapshot(writer.view()) for writer in writers]
        assert all(state == states[0] for state in states)


Replicas.TestCase.settings = settings(
    max_examples=60, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True,
    database=None,
)  # fmt: skip
TestReplicas = Replicas.TestCase
