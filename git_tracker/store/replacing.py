"""Letting a new file take the place of another, at once for all who look.

`rename` does so. But ext4 then has the new content written to the disk first (ext4(5), auto_da_alloc), and frees the
blocks of the old file: a tenth of a write, for safety that the journal gives already. Where the kernel lets two names
change places (renameat2(2), Linux), both are spared: a file that is replaced young never reaches the disk.
"""

import os
from collections.abc import Callable
from functools import cache
from itertools import count

_OFTEN = 5  # so many times in one process make it worth to load what calls the kernel
_HERE, _EXCHANGE = -100, 2  # AT_FDCWD and RENAME_EXCHANGE of linux/fcntl.h and linux/fs.h

_times = count(1)


def replace(new: str, path: str) -> None:
    """Let the file `new` be the one at `path`, and leave nothing under its own name; raise OSError if that fails."""
    if next(_times) > _OFTEN and _exchange()(_HERE, os.fsencode(new), _HERE, os.fsencode(path), _EXCHANGE) == 0:
        os.unlink(new)
    else:  # nothing is there yet, or the file system cannot exchange
        os.rename(new, path)


@cache
def _exchange() -> Callable[..., int]:
    import ctypes  # takes as long to import as all that one command does

    try:
        return ctypes.CDLL(None).renameat2
    except (AttributeError, OSError):  # another system, or an old one
        return lambda *_: -1
