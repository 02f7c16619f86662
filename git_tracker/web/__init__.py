"""The page, its REST API and its live connections, behind one gate."""

from git_tracker.web.app import build
from git_tracker.web.feed import Feed
from git_tracker.web.gate import Principal, Tokens
from git_tracker.web.limits import DEFAULT, Limits
from git_tracker.web.site import Site

__all__ = ["DEFAULT", "Feed", "Limits", "Principal", "Site", "Tokens", "build"]
