"""REST about trust: what did not take effect, letting it count, and checking what an agent did against git itself."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from git_tracker.web.api import Call


def quarantine(call: "Call") -> Any:
    """Entries that do not count, oldest first: quarantined, muted or waiting, with the reason."""
    return call.site.store.quarantine(limit=call.query.limit, cursor=call.query.cursor)


def adopt(call: "Call") -> Any:
    """Let muted entries count from now on; needs a member who may write."""
    return {"entry": call.site.store.adopt(call.signer, call.body.entries)}


def audit(call: "Call") -> Any:
    """Who delegated an agent, and everything it did with the verdict on each entry."""
    return call.site.store.audit(call.path["id"], **call.query.model_dump(exclude_none=True))


def verify(call: "Call") -> Any:
    """Check everything an agent did, and its chain, against the raw objects in git."""
    return call.site.store.verify_agent(call.path["id"])
