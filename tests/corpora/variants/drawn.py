"""Servers whose policies are drawn: as many as one likes, each from its number."""

from __future__ import annotations

import random

from tests.corpora.variants import Variant
from tests.corpora.variants.choices import following

NAME = "drawn_"
SHARE = 0.3
"""How many of the policies a server follows, on average."""

LONG = "HB = 0.45; TMIN = 1.3; TMAX = 2.2"
POLICIES = (
    ("BALLOTS = True",),
    ("LINGER = 0.015",),
    ("THRIFTY = 0.03",),
    ("STORED = True",),
    ("TRAIL = 30",),
    ("SAVE_COMMIT = True",),
    ("TRUNC_AT_PREV = True",),
    ("LAZY_SNAP = 0.4",),
    ("SKIP_SNAP = 25",),
    ("INSTALL_BY_LOG = True",),
    ("HB_PREV = 'zero'", "HB_PREV = 'commit'", "HB_PREV = 'next'"),
    ("REMEMBER_COMMIT = True",),
    ("READY_LATE = True; NOOP = True",),
    ("NOOP = True",),
    ("EXTRA_SAVES = 0.15",),
    ("STAGGER = 0.006",),
    ("VOTE_PARK = 0.02",),
    (
        "DISK = 0.012; DURABLE_FIRST = True",
        "DISK = 0.012; COALESCE = False",
        "DISK = 0.02; META_SYNC = True; RECHECK = True",
        "DISK = 0.015; APPLY_UNSTABLE = True",
    ),
    ("TWO_SAVES = True",),
    ("OVERLAP = 1",),
    ("RESET_LATE = True",),
    ("APPLY_CHUNK = 20; APPLY_WAIT = True", "FSM_DELAY = 0.02"),
    ("REFUSED_GIVES_UP = True",),
    ("VOTE_RETRY = 0.04", "VOTE_RETRY = 10.0"),
    ("OUTBOX = 0.015", "OUTBOX = 0.015; OUTBOX_ANY = True"),
    ("REPLY_DELAY = 0.015",),
    ("PIPE_SNAP = True",),
    ("BACKOFF = True",),
    (LONG, "HB = 0.102; TMIN = 0.25; TMAX = 0.5"),
    ("EAGER = False",),
    ("FULL_START = True; PROBE_N = 400",),
    ("CAP_MATCH = True", "COMMIT_CAP = True"),
    ("PREVOTE = 'next'", "PREVOTE = 'same'"),
    ("STICKY = True",),
    ("CHECK_QUORUM = True", "CHECK_QUORUM = True; NEW_TERM_ON_STEPDOWN = True"),
    ("WINDOW = 1", "WINDOW = 2; BATCH = 5"),
    ("PROBE_N = 0", "PROBE_N = 1"),
)
"""Policies that are correct in any combination but those left out below, each in one or more ways."""


def drawn(number: int) -> Variant:
    """Return the server of a number, the same each time."""
    generator = random.Random(number)
    chosen = [generator.choice(ways) for ways in POLICIES if generator.random() < SHARE]
    if "TRAIL = 30" in chosen and "SKIP_SNAP = 25" in chosen:
        # Together they would keep more covered entries than are allowed.
        chosen.remove("SKIP_SNAP = 25")
    if "BACKOFF = True" in chosen and LONG in chosen:
        # Together they would wait longer than the five seconds in which a leader is due.
        chosen.remove("BACKOFF = True")
    return Variant(
        f"{NAME}{number}",
        "follows policies that were drawn: " + "; ".join(chosen),
        "each policy is allowed alone, and none rests on another",
        following(*chosen),
        folder="policies",
    )


def named(name: str) -> Variant | None:
    """Return the server of this name, or None if it is not the name of one that is drawn."""
    number = name.removeprefix(NAME)
    return drawn(int(number)) if name.startswith(NAME) and number.isdecimal() else None
