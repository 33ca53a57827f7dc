"""The one place that states the version, and the number that marks which results compare."""

VERSION = "0.1.0"

NUMBERS = 1
"""Raised by hand when a change alters boxes, pixels, colors or training steps.

Results that were made under different values are never mixed in one table. `tests/test_numbers.py`
fails when the numbers change and this one does not, and says what to do.
"""
