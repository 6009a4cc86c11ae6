"""Reads numbers from a command line; the error for any other text shows what to type."""

from __future__ import annotations

import argparse


def whole(text: str) -> int:
    """Read a whole number."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number, such as 7") from None


def seconds(text: str) -> float:
    """Read a time in seconds."""
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds, such as 1.5") from None


def seed(text: str) -> int:
    """Read the seed of a run."""
    number = whole(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text} is less than 0: seeds count up from 0")
    return number


def positive(text: str) -> int:
    """Read a number of things, at least one."""
    return _at_least(1, text)


def count(text: str) -> int:
    """Read a number of things, possibly zero."""
    return _at_least(0, text)


def _at_least(least: int, text: str) -> int:
    number = whole(text)
    if number < least:
        raise argparse.ArgumentTypeError(f"{text} is less than {least}")
    return number
