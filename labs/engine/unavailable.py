"""What a backend raises that cannot run jobs here; on its own, so that a command line need not import the engine."""

from __future__ import annotations


class Unavailable(Exception):
    """The machines that were to do the jobs cannot, or no longer; the text explains why, and what to do."""
