"""Reviews: whether somebody other than who did the work has looked at it before it counts as done.

A policy asks for it (see `policy`). Whether there was one follows from an entry's own past alone, so it stays decided
whatever arrives later. What is kept of an issue for that, as JSON-like values, is a `Work`:

- `claims`: `[ms, count, entry, actor]` of each claim;
- `dones`: `[entry, [entries]]` of each move to done, with those that took the issue out of done again;
- `anew`: entries after which a review has to be given anew: claims, and moves out of done;
- `given`: `[entry, actor, person, [entries]]` of each review, with what it knew of `anew`.
"""

from typing import TYPE_CHECKING, Any

from git_tracker.errors import Refused

if TYPE_CHECKING:
    from git_tracker.store.state import Stamp, State

RULES = ("none", "another", "person")

Work = dict[str, list[Any]]


def nothing() -> Work:
    """Return what is kept of an issue on which nobody worked."""
    return {"anew": [], "claims": [], "dones": [], "given": []}


def claimed(work: Work, stamp: "Stamp") -> None:
    work["claims"].append([*stamp.order, stamp.actor])
    work["anew"].append(stamp.entry)


def moved(work: Work, stamp: "Stamp", category: str) -> None:
    if category == "done":
        work["dones"].append([stamp.entry, []])
        return
    left = [done for done in work["dones"] if stamp.covers(done[0]) and not any(map(stamp.covers, done[1]))]
    for done in left:
        done[1].append(stamp.entry)
    if left:
        work["anew"].append(stamp.entry)


def given(work: Work, stamp: "Stamp") -> None:
    work["given"].append([stamp.entry, stamp.actor, stamp.person, list(filter(stamp.covers, work["anew"]))])


def settle(work: Work) -> None:
    """Forget what no later entry can ask for: everything so far is in the past of all that follows."""
    if not (work["anew"] or work["dones"] or work["given"]) and len(work["claims"]) < 2:  # as it is for most entries
        return
    work["claims"] = sorted(work["claims"])[-1:]
    work["dones"] = [done for done in work["dones"] if not done[1]][-1:]
    fresh = [[*one[:3], []] for one in work["given"] if set(one[3]) >= set(work["anew"])]
    work["given"], work["anew"] = list({one[1]: one for one in fresh}.values()), []


def worker(state: "State", stamp: "Stamp") -> str:
    """Return who did the work, as far as an entry knows: who holds a claim or held the last one, else the creator."""
    held = state.claim(stamp.hlc[0], stamp.covers)
    last = max((claim for claim in state.work["claims"] if stamp.covers(claim[2])), default=None)
    return str(held.actor if held else last[3] if last else state.created["actor"])


def check(state: "State", stamp: "Stamp") -> None:
    """Raise `Refused` if a review is needed by the rule that holds for an entry, and it knows of none."""
    if stamp.review not in ("another", "person"):
        return
    author, people_only = worker(state, stamp), stamp.review == "person"

    def counts(actor: str, person: bool) -> bool:
        return actor != author and (person or not people_only)

    anew = set(filter(stamp.covers, state.work["anew"]))
    known = [one for one in state.work["given"] if stamp.covers(one[0]) and anew <= set(one[3])]
    if counts(stamp.actor, stamp.person) or any(counts(one[1], one[2]) for one in known):
        return
    who = "a person" if people_only else "somebody"
    raise Refused(
        f"before it is done {who} other than {author} has to review it",
        f"{who} else adds evidence of kind review after the last claim, or moves it to done",
        code="needs_review",
    )
