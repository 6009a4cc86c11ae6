"""Reads numbers from a command line, and says what is wrong with a text that is none."""

from __future__ import annotations

import argparse


def whole(text: str) -> int:
    """Read a whole number."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number") from None


def positive(text: str) -> int:
    """Read a number of things of which there must be one."""
    return _at_least(1, text)


def count(text: str) -> int:
    """Read a number of things of which there may be none."""
    return _at_least(0, text)


def _at_least(least: int, text: str) -> int:
    number = whole(text)
    if number < least:
        raise argparse.ArgumentTypeError(f"{text} is less than {least}")
    return number
