"""The only place that writes for people."""

import sys


def say(text: str) -> None:
    """Some lines on standard output."""
    sys.stdout.write("".join(f"{printable(line)}\n" for line in text.split("\n")))
    sys.stdout.flush()


def printable(text: str) -> str:
    r"""A text that stays on its line and moves no cursor: what cannot be printed is escaped.

    Names of files come from anywhere, and may hold line breaks and control codes.

    >>> printable("caf\u00e9\x1b[2J\n")
    'café\\x1b[2J\\n'
    """
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text
    )
