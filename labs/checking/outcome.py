"""How a run ended, and how failures of a submission's code become verdicts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from labs.codec import safe_repr
from labs.raft.rules import RULES
from labs.sim.server.outputs import Failed, Problem

Status = Literal["pass", "fail", "error", "grader-error"]


@dataclass(frozen=True)
class Outcome:
    """A run's result: `message` says what happened, `hint` where to look, `servers` who, `time` when."""

    status: Status
    rule: str | None = None
    message: str = ""
    hint: str = ""
    servers: tuple[int, ...] = ()
    time: float = 0.0
    details: str = ""
    """Where in the lab an error came up that a server's data made (a traceback): for the instructor, not the student.

    The lab should have refused such data before. So what holds details is a defect of the lab's own, too.
    """

    def __post_init__(self) -> None:
        """Bound all texts: what a server hands over can be in them."""
        for name in ("message", "hint", "details"):
            object.__setattr__(self, name, safe_repr.cut(getattr(self, name)))


NO_LINE = "compare the class with skeleton/raft.py: the names of its methods, and their parameters"
"""The hint where no line of the submission was at work, as when a method is missing."""


@dataclass(frozen=True)
class _Kind:
    """What a kind of failure counts as."""

    status: Status
    rule: str
    hint: str = ""

    def outcome(self, server: int, failed: Failed, now: float) -> Outcome:
        rule = RULES[self.rule]
        if rule.id == "NotWritten":
            stage, _, part = failed.text.partition(": ")
            message = f"not written yet: {part or stage} ({failed.place or 'no line known'})"
        else:
            place = f" at {failed.place}" if failed.place else ""
            message = f"{rule.id}: server {server} {failed.text}{place}"
        hint = self.hint or (rule.hint if failed.place or rule.id != "NoCrash" else NO_LINE)
        return Outcome(self.status, rule.id, message, hint, (server,), now)


RULE_OF_PROBLEM: dict[Problem, _Kind] = {
    "raised": _Kind("error", "NoCrash"),
    "not written": _Kind("fail", "NotWritten"),
    "run not written": _Kind("fail", "NotWritten"),
    "nonsense": _Kind("error", "WellFormed"),
    "spins": _Kind("error", "NoSpin"),
    "swallowed": _Kind("error", "EndsWhenCrashed"),
    "stalled": _Kind("error", "NoStall"),
    "forbidden": _Kind("error", "SimulatedTimeOnly"),
    "died": _Kind("error", "NoCrash", "a server must not end its process, nor write to what belongs to the lab"),
    "crawls": _Kind("error", "CpuBudget"),
}
