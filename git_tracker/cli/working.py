"""The verbs of somebody at work: claim, release, finish."""

from git_tracker.cli.call import Call
from git_tracker.cli.changing import changed, evidence, seconds, standing
from git_tracker.errors import Invalid

CLAIM = """\
tracker claim [ID]

Takes an issue, so that nobody else does: the named one, or the best ready one.
Exactly one of many callers wins; the others get exit code 4.

  --query QUERY           of the ready issues only those that match
  --lease SPAN            how long without a sign of life (30m)
  --rk KEY                a key of this request: sent again, it is done once

Example: TRACKER_AGENT=fixer tracker claim --query label:backend --json
"""


def claim(call: Call) -> None:
    if call.given("id") and call.given("query"):
        raise Invalid("ID and --query exclude each other", "give one of them", code="usage")
    lease = seconds(call.text("lease")) if call.given("lease") else 0
    changed(
        call,
        lambda store, by: store.claim(
            by, call.text("id"), text=call.text("query"), lease_seconds=lease, rk=call.text("rk")
        ),
        standing,
    )


RELEASE = """\
tracker release ID

Gives a claim back; its holder can, and every person.

  --reason TEXT           why
  --rk KEY                a key of this request: sent again, it is done once

Example: tracker release 3f2a91c --reason "needs a decision first"
"""


def release(call: Call) -> None:
    changed(
        call,
        lambda store, by: store.release(by, call.text("id"), call.text("reason"), rk=call.text("rk")),
        standing,
    )


FINISH = """\
tracker finish ID

Moves an issue to done, with a summary and what proves it, and gives the claim
back.

  -m, --message SUMMARY   what was done
  --evidence KIND=VALUE...  commit, test or anything that proves it; may be
                          repeated
  --rk KEY                a key of this request: sent again, it is done once

Example: tracker finish 3f2a91c -m "Fixed" --evidence commit=9fceb02
"""


def finish(call: Call) -> None:
    proof = evidence(call)
    changed(
        call,
        lambda store, by: store.finish(by, call.text("id"), call.text("message"), proof, rk=call.text("rk")),
        standing,
    )
