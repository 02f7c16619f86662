"""Everything the server offers an agent: typed tools and resources."""

from git_tracker.tools.context import Granted, Reach
from git_tracker.tools.escape import cut, visible
from git_tracker.tools.issues import OPEN_WORLD, READ_ONLY, TOOLS
from git_tracker.tools.resources import RESOURCES
from git_tracker.tools.sessions import Session, Sessions

__all__ = ["OPEN_WORLD", "READ_ONLY", "RESOURCES", "TOOLS", "Granted", "Reach", "Session", "Sessions", "cut", "visible"]
