"""The command line: parse, call, print. Nothing here computes, and `--help` imports no torch."""

from tamecrop.cli.app import main

__all__ = ["main"]
