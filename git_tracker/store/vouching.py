"""What the trust log means to stock git: whose signatures are good, which sessions' keys were revoked."""

from functools import partial
from typing import Any

from git_tracker.store import membership, sshwire, stockgit
from git_tracker.store.announcing import Announcer
from git_tracker.store.index import arrived, governed
from git_tracker.store.issue import Json
from git_tracker.store.progress import Progress


class Voucher(Announcer):
    """Vouches for keys, towards whoever checks signatures without us."""

    _stock_git: tuple[Any, ...] = ()  # the state of the trust log that its files were last compared with

    def allowed_signers(self) -> str:
        """Return all who ever were members as git's gpg.ssh.allowedSignersFile wants them."""
        added = self._projection.trust.added
        named = {(one.member.person, key): one.member for key, found in added.items() for one in found}
        return membership.allowed_signers(named.values())

    def revoked(self) -> list[dict[str, Json]]:
        """Return each key of a revoked session: `{"sid", "key", "person_key"}`, the keys raw and in hexadecimal."""
        self.refresh()
        return governed.revoked(self.reader, self._revoked())

    # inside

    def _absorb(self, force: bool, progress: Progress | None = None) -> None:
        super()._absorb(force, progress)
        self._keep_stock_git()

    def _keep_stock_git(self) -> None:
        """Let stock git go by the trust log as it is now, where `trust git-setup` had it check signatures."""
        trust = self._projection.trust
        now = (self._projection.trust_tips, arrived.last_entry(self._db) if trust.revoked else 0)
        if now != self._stock_git and self._writable():
            self._stock_git = now
            listed = partial(governed.revoked, self._db, self._revoked())
            stockgit.keep_fresh(self.place, self.allowed_signers, listed)

    def _revoked(self) -> set[tuple[str, str]]:
        """Return the session id and the fingerprint of the issuer's key of every revoked session."""
        revoked = self._projection.trust.revoked
        return {(sid, sshwire.fingerprint(cut.key)) for sid, cuts in revoked.items() for cut in cuts}
