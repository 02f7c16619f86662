"""Random trust logs and entries that cite them: one verdict each, whatever the order, and the same by a second reading."""

import os
import time
from collections import Counter

import pytest

from git_tracker.store import trust
from tests.store.governed import Case, Dice, Naive, judged

MADE = 2_000
WORTH = (
    "ok ",
    "waiting belongs to another tracker",
    "waiting cites trust entries that are not here yet",
    "waiting the last entry of its chain that counts is not here yet",
    "muted it cites an older state of the trust log than what it builds on",
    "muted its issuer had been removed",
    "muted its issuer was removed, and the remover had not seen it",
    "muted its issuer was made an observer, and who did it had not seen it",
    "muted after the end of its session",
    "muted out of scope",
    "muted against the policy",
    "muted outside the validity of its certificate",
    "muted the certificate speaks for",
    "muted the entry names another session",
)


def check(seed: int) -> Counter[str]:
    """One case: in shuffled orders, by the naive reading, and with growing parts of both sets known."""
    made = Dice(seed)
    case = made.case(made.dice.choice((5, 8, 12, 24)))
    found = judged(trust.fold(case.root, case.log), case.entries)
    log, entries = case.log[:], case.entries[:]
    for _ in range(2):
        made.dice.shuffle(log)
        made.dice.shuffle(entries)
        assert judged(trust.fold(case.root, log), entries) == found, seed
    parts = [
        case,
        Case(case.root, log[: made.dice.randrange(len(log))], entries),
        Case(case.root, log, entries[: made.dice.randrange(len(entries))]),
    ]
    for part in parts:
        told = {id: verdict for id, (verdict, _) in judged(trust.fold(part.root, part.log), part.entries).items()}
        naive = Naive(part.root, part.log)
        assert told == naive.judge(part.entries), seed
        assert trust.fold(part.root, part.log).valid == naive.counted, seed
    nothing_else_changes(case, made, seed)
    return Counter(f"{verdict} {reason.partition(':')[0]}" for verdict, reason in found.values())


def nothing_else_changes(case: Case, made: Dice, seed: int) -> None:
    """What a change of the log is said to touch is all that it does change."""
    now = trust.fold(case.root, case.log)
    heads = made.dice.sample(sorted(now.known), k=min(2, len(now.known)))
    past = {id for head in heads for id in now.known if now.saw((head,), id)}
    old = trust.fold(case.root, [item for item in case.log if item[0].id in past])
    touched = now.touched_since(heads)
    if touched is None:
        return
    before, after = judged(old, case.entries), judged(now, case.entries)
    for entry, proof, _ in case.entries:
        if before[entry.id][0] not in ("waiting", after[entry.id][0]):
            sid = proof.delegation.sid if proof.delegation else ""
            named = proof.issuer.hex() in touched.issuers or sid in touched.sessions or entry.id in touched.entries
            assert named, (seed, entry.id, before[entry.id], after[entry.id])


@pytest.mark.parametrize("start", range(0, MADE, 250))
def test_an_entry_has_one_verdict_in_whatever_order_things_arrive(start: int) -> None:
    seen = sum((check(seed) for seed in range(start, start + 250)), Counter[str]())

    missing = [reason for reason in WORTH if not any(found.startswith(reason) for found in seen)]
    assert missing == [] or start, seen  # the cases are worth something


@pytest.mark.soak
def test_verdicts_stay_one_however_many_cases_there_are() -> None:
    end, seed = time.monotonic() + float(os.environ.get("SOAK_SECONDS", "600")), 100_000
    while time.monotonic() < end or seed < 200_000:
        check(seed)
        seed += 1
    print(f"{seed - 100_000} cases")
