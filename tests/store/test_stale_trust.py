"""Several processes share one index: what one of them learned of trust must not pass the others by."""

import pytest

from git_tracker.errors import Refused
from git_tracker.store import IssueStore, Signer, sshwire
from tests.store.forge import signer


def test_who_another_process_let_in_or_sent_away_is_so_here_too(store: IssueStore, ada: Signer) -> None:
    other = IssueStore.open(store.place.common)
    bob = signer(7, "Bob", "bob@example.org")
    other.add_member(ada, sshwire.public_line(bob.issuer), "bob", "Bob", "bob@example.org")
    assert store.get_issue(store.create_issue(bob, {"title": "let in"}))["author"]["id"] == "bob"
    other.remove_member(ada, "bob")
    store.refresh()
    assert [member.person for member in store.members] == ["ada"]
    assert len(store.trust_log()) == 3
    with pytest.raises(Refused):
        store.create_issue(bob, {"title": "sent away"})
    assert store.quarantine()["items"] == []
    assert store.verify()["ok"]
    other.close()
