"""Checks that a server's values have a meaning: ids that exist, and indices and terms that a log of this lab can have.

No correct server comes near these bounds. They protect the checkers: no checker sees a value beyond them, so none can
fail because of it. They are the same for all hosts: `labs.sim.server.incarnation` and `labs.sim.server.persister`
enforce them where the error can name the submission's line, and `labs.sim.hosts.process.validate` checks again what a
process sends.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from labs.codec.limits import MAX_INDEX, MAX_TERM, Refused
from labs.codec.safe_repr import short
from labs.messages import LogEntry

LOWEST = -1
"""The lowest index and term: many programs write it for "none". The checkers decide what else it may mean."""
ANYBODY = 1 << 63
"""Used as the number of servers, it allows any id that is not negative."""


def check_entries(entries: Sequence[LogEntry], before: int, where: str) -> None:
    """Raise Refused if entries after this index cannot be in a log."""
    if entries:
        check_index(before + len(entries), f"the last index of {where}")
    for position, entry in enumerate(entries):
        if not LOWEST <= entry.term <= MAX_TERM:
            check_term(entry.term, f"{where}[{position}].term")


def check_index(index: int, where: str) -> None:
    """Raise Refused if no log can have that index."""
    if not LOWEST <= index <= MAX_INDEX:
        ends = f"no log of this lab goes beyond {MAX_INDEX:,}" if index > 0 else "the first entry of a log has index 1"
        raise Refused(f"{where} is {index:,}: {ends}")


def check_term(term: int, where: str) -> None:
    """Raise Refused if no run can reach that term."""
    if not LOWEST <= term <= MAX_TERM:
        ends = f"no run of this lab goes beyond {MAX_TERM:,}" if term > 0 else "terms count from 0"
        raise Refused(f"{where} is {term:,}: {ends}")


def check_id(server: int, servers: int, where: str) -> None:
    """Raise Refused if that is not the id of a server."""
    if not 0 <= server < servers:
        raise Refused(f"{where} is {server}: the servers are 0 to {servers - 1}")


def check_vote(vote: int | None, servers: int, where: str) -> None:
    """Raise Refused unless a vote is for a server, or for nobody, which is None."""
    if vote is not None and not 0 <= vote < servers:
        raise Refused(f"{where} is {vote}: it must be None or the id of one of the servers 0 to {servers - 1}")


def check_int(value: Any, where: str) -> None:
    """Raise Refused unless a value is a whole number, which True and False are not."""
    if type(value) is not int:
        raise Refused(f"{where} must be an int, not {short(value)}")


def state_of(answer: Any) -> tuple[int, bool] | None:
    """Return the answer of get_state if it is a term and whether the server leads; None if it is something else."""
    if type(answer) not in (tuple, list) or len(answer) != 2:
        return None
    term, is_leader = answer
    fits = type(term) is int and type(is_leader) is bool and LOWEST <= term <= MAX_TERM
    return (term, is_leader) if fits else None


def promise_of(answer: Any) -> tuple[int, int, bool] | None:
    """Return the answer of start if it is an index, a term and whether the server leads; None if something else."""
    if type(answer) not in (tuple, list) or len(answer) != 3:
        return None
    index, state = answer[0], state_of(answer[1:])
    if state is None or type(index) is not int or not LOWEST <= index <= MAX_INDEX:
        return None
    return index, *state
