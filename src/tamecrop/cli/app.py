"""From words to a command: errors become one line, exit codes say whose fault it was."""

import signal
import sys
import traceback
from collections.abc import Sequence

from jsonargparse import ArgumentParser

from tamecrop.cli import plain_yaml
from tamecrop.cli.messages import nearest, one_line, refuse_unknown_options
from tamecrop.cli.registry import Work, command, names
from tamecrop.learning.stopping import Interrupted, StoppedNow
from tamecrop.version import VERSION

DONE, FAILED, WRONG_USE = 0, 1, 2
BY_SIGNAL = 128
"""Added to the number of the signal that stopped a command, as shells do."""

_CLOSING = """\
exit codes: 0 done, 1 the run failed, 2 wrong use; 130 stopped by Ctrl-C, 143 by SIGTERM: at the
next step, saved, and the same command continues; a second signal stops at once.
`tamecrop COMMAND --help` explains a command; --debug shows the traceback of an error."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: The words after `tamecrop`; by default the process's own.

    Returns:
        The exit code: 0 done, 1 failed run, 2 wrong use, 130 Ctrl-C, 143 SIGTERM.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    if not words or words[0] in ("-h", "--help"):
        sys.stdout.write(overview())
        return DONE
    if words[0] == "--version":
        sys.stdout.write(f"tamecrop {VERSION}\n")
        return DONE
    try:
        return _guarded(words, debug=debug)
    except (Interrupted, StoppedNow) as stop:
        sys.stderr.write(f"tamecrop: {stop}\n")
        return BY_SIGNAL + stop.number
    except KeyboardInterrupt:
        sys.stderr.write("tamecrop: stopped\n")
        return BY_SIGNAL + signal.SIGINT


def overview() -> str:
    """The text of `tamecrop --help`."""
    lines = [f"  {name:<10} {command(name).summary}" for name in names()]
    usage = "usage: tamecrop COMMAND [arguments]\n\nChoose, judge and compare crop laws."
    return "\n".join([usage, "", "commands:", *lines, "", _CLOSING, ""])


def _guarded(words: list[str], *, debug: bool) -> int:
    try:
        work = _prepared(words)
    except SystemExit as done:  # the parser's own way out of --help and --print_config
        return DONE if done.code in (None, 0) else WRONG_USE
    except Exception as error:  # noqa: BLE001  the edge: whatever it is, a person gets one line
        return _told(error, WRONG_USE, debug=debug)
    try:
        work()
    except Interrupted:
        raise
    except Exception as error:  # noqa: BLE001  the edge, as above
        return _told(error, FAILED, debug=debug)
    return DONE


def _prepared(words: list[str]) -> Work:
    name, rest = words[0], words[1:]
    if name not in names():
        known = ", ".join(names())
        raise ValueError(f"unknown command {name}{nearest(name, names())} (there are {known})")
    chosen = command(name)
    plain_yaml.use()
    parser = ArgumentParser(
        prog=f"tamecrop {name}",
        description=chosen.summary,
        exit_on_error=False,
        allow_abbrev=False,
    )
    chosen.declare(parser, rest)
    refuse_unknown_options(parser, rest)
    parsed = parser.parse_args(rest)
    return chosen.prepare(parsed, parser.dump(parsed))


def _told(error: Exception, code: int, *, debug: bool) -> int:
    if debug:
        traceback.print_exception(error)
    sys.stderr.write(f"tamecrop: error: {one_line(error)}\n")
    return code
