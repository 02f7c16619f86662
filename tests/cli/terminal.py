"""Runs a command on a terminal of its own and answers its questions: `terminal.py '{"question": "answer"}' COMMAND…`.

A program and not a function, because it forks. Prints what the terminal showed; ends as the command ended.
"""

import json
import os
import pty
import sys

waiting: dict[str, str] = json.loads(sys.argv[1])
seen = bytearray()


def read(terminal: int) -> bytes:
    """Pass on what the command shows; answer each question once."""
    data = os.read(terminal, 1024)
    seen.extend(data)
    for question in [one for one in waiting if one.encode() in seen]:
        os.write(terminal, f"{waiting.pop(question)}\n".encode())
    return data


with open(os.devnull, "rb") as nothing:
    os.dup2(nothing.fileno(), 0)
sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[2:], read)))
