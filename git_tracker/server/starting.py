"""How this very program is started again: what `tracker serve` prints and its page shows, for others to run."""

import os
import shutil
import sys


def words(folder: str) -> list[str]:
    """Return the words of a command line that works on `folder`, up to the verb.

    The plain name stands there only if it leads to this program; after `make run`, say, it leads nowhere.
    """
    return [*_program(os.path.abspath(sys.argv[0])), "-C", folder]


def _program(own: str) -> list[str]:
    if os.path.basename(own) != "tracker" or not os.access(own, os.X_OK):  # python -m git_tracker
        return [sys.executable, "-m", "git_tracker"]
    found = shutil.which("tracker")
    return ["tracker"] if found and os.path.samefile(found, own) else [own]
