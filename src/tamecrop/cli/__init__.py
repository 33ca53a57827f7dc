"""The command line: parse, call, print. Nothing here computes, and `--help` imports no torch.

Errors become one line here, and exit codes say whose fault it was.
"""

import os
import re
import select
import signal
import sys
import traceback
from argparse import ArgumentError
from collections.abc import Sequence

from tamecrop.learning.watching import Interrupted, StoppedNow
from tamecrop.on_demand import is_ours, missing

DONE, FAILED, WRONG_USE = 0, 1, 2
BY_SIGNAL = 128
"""Added to the number of the signal that stopped a command, as shells do."""

_OWN_WORDS = (ValueError, TypeError, OSError, ArgumentError)
"""Errors whose message says what is wrong without their kind."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: The words after `tamecrop`; by default the process's own.

    Returns:
        The exit code: 0 done, 1 failed run, 2 wrong use, 130 Ctrl-C, 143 SIGTERM, 141 when nobody
        reads the output any more.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    blamed = WRONG_USE
    try:
        from tamecrop.cli.app import prepare  # its packages may be missing, which is one line too

        work = prepare([word for word in words if word != "--debug"] or ["--help"])
        blamed = FAILED
        work()
        sys.stdout.flush()
    except (Interrupted, StoppedNow) as stop:
        sys.stderr.write(f"tamecrop: {stop}\n")
        return BY_SIGNAL + stop.number
    except KeyboardInterrupt:
        sys.stderr.write("tamecrop: stopped\n")
        return BY_SIGNAL + signal.SIGINT
    except SystemExit as done:  # the parser's own way out of --help and --print_config
        return DONE if done.code in (None, 0) else WRONG_USE
    except BrokenPipeError as error:
        if _reader_has_left():
            return BY_SIGNAL + signal.SIGPIPE
        return _report(error, blamed, debug=debug)
    except Exception as error:  # noqa: BLE001  the edge: whatever it is, a person gets one line
        return _report(error, blamed, debug=debug)
    return DONE


def printable(text: str) -> str:
    r"""A text that stays on its line and moves no cursor: what cannot be printed is escaped.

    Names of files come from anywhere, and may hold line breaks and control codes.

    >>> printable("caf\u00e9\x1b[2J\n")
    'café\\x1b[2J\\n'
    """
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text
    )


def _reader_has_left() -> bool:
    """Whether standard output leads nowhere, as behind `| head`; what is left of it is dropped."""
    output = 1
    asked = select.poll()
    asked.register(output, 0)
    left = any(event & select.POLLERR for _, event in asked.poll(0))
    if left:
        os.dup2(os.open(os.devnull, os.O_WRONLY), output)
    return left


def _report(error: Exception, code: int, *, debug: bool) -> int:
    if debug:
        traceback.print_exception(error)
    if isinstance(error, ModuleNotFoundError):
        if not is_ours(error):
            sys.stderr.write(f"tamecrop: error: {missing(error)}\n")
            return WRONG_USE
        code = FAILED  # a defect of this package, whatever was typed
    sys.stderr.write(f"tamecrop: error: {_one_line(error)}\n")
    return code


def _one_line(error: Exception) -> str:
    """The message of an error on one line; its kind too where the message alone says little."""
    words = printable(" ".join(str(error).split()))
    if isinstance(error, _OWN_WORDS) and words:
        return _in_our_words(words)
    return f"{type(error).__name__}: {words} (--debug shows where)"


def _in_our_words(said: str) -> str:
    """What the parser says of a value: the option, the rule and the value, without its types.

    >>> said = "Expected a <class 'int'>. Got value: 1.5"
    >>> _in_our_words(f'Parser key "seed": {said}')
    '`seed` must be a whole number, got 1.5'
    """
    of_option = re.match(r'Parser key "([^"]+)"(?: element \d+)?: (.*)', said)
    if of_option is None:
        return said
    name, why = of_option.groups()
    value = re.search(r"(?:Got|Given) value: (.*)$", why) or re.search(
        r"PositiveInt: (?:.*: )?(\S+)", why
    )
    choices = re.findall(r"'([^']*)'", " ".join(re.findall(r"Literal\[(.*?)\]", why)))
    rules = {
        "PositiveInt": "a whole number of at least 1",
        "Literal": f"one of {', '.join(dict.fromkeys(choices))}",
        "<class 'int'>": "a whole number",
        "<class 'float'>": "a number",
    }
    rule = next((rule for sign, rule in rules.items() if sign in why), None)
    if rule is None or value is None:
        return f"`{name}`: {why}"
    return f"`{name}` must be {rule}, got {value[1]}"


__all__ = ["main"]
