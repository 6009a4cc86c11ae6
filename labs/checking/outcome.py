"""How a run ended: what stopped it becomes a verdict, in the words of a catalogue of rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from labs.checking.checker import Violation
from labs.checking.rule import Rule
from labs.codec import safe_repr
from labs.sim.server.outputs import Failed, Problem
from labs.sim.stops import BadSnapshot, Flood, ServerFailed, Stop, TestOver
from labs.trace.events import Verdict

Status = Literal["pass", "fail", "error", "grader-error"]


@dataclass(frozen=True)
class Outcome:
    """A run's result: `message` describes what happened, `hint` where to look, `servers` who, `time` when."""

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


class Stuck(Violation):
    """A test could not go on with what a server had answered: the rule is what such an answer breaks."""

    def __init__(self, rule: str, message: str, server: int, time: float, hint: str, way: str) -> None:
        super().__init__(rule, message, (server,), time)
        self.hint, self.way = hint, way


@dataclass(frozen=True)
class _Kind:
    """What a kind of failure counts as."""

    status: Status
    rule: str
    hint: str = ""


_KIND_OF: dict[Problem, _Kind] = {
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
_RULES_OF: dict[type[Stop], tuple[str, str]] = {
    Flood: ("RpcBudget", "CpuBudget"),
    BadSnapshot: ("StateMachineSafety", "WellFormed"),
}
"""The rules that are broken where the simulator itself ends a run: a protocol's own, or that of any lab."""


class Outcomes:
    """Puts what ended a run into the words of a catalogue of rules."""

    def __init__(self, rules: Mapping[str, Rule], skeleton: str = "") -> None:
        self._rules, self._skeleton = rules, skeleton
        self.last: Outcome | None = None
        """The outcome that was concluded last."""

    def conclude(self, stop: Stop, now: float) -> Verdict:
        """Return the verdict of a run that ends now, as the trace has it; the whole outcome is in `last`."""
        outcome = self.last = self.of(stop, now)
        first = outcome.servers[0] if outcome.servers else -1
        status, rule = outcome.status, outcome.rule
        return Verdict(now, first, status, rule, outcome.message, outcome.hint, outcome.servers)

    def of(self, stop: Stop, now: float) -> Outcome:
        """Return the outcome of a run that ends now."""
        match stop:
            case TestOver():
                return Outcome("pass")
            case ServerFailed():
                return self._of_failure(stop.server, stop.failed, now)
            case Stuck():
                rule = self._rules[stop.rule]
                text = f"{rule.id}: {stop.message}"
                return Outcome("error", rule.id, text, stop.hint or rule.hint, stop.servers, now, stop.way)
            case Violation():
                rule = self._rules[stop.rule]
            case _:
                rule = next(self._rules[id] for id in _RULES_OF[type(stop)] if id in self._rules)
        text = f"{rule.id} ({rule.place}): {stop.message}"
        return Outcome("fail", rule.id, text, rule.hint, stop.servers, now)

    def _of_failure(self, server: int, failed: Failed, now: float) -> Outcome:
        kind = _KIND_OF[failed.problem]
        rule = self._rules[kind.rule]
        if rule.id == "NotWritten":
            stage, _, part = failed.text.partition(": ")
            message = f"not written yet: {part or stage} ({failed.place or 'no line known'})"
        else:
            place = f" at {failed.place}" if failed.place else ""
            message = f"{rule.id}: server {server} {failed.text}{place}"
        hint = kind.hint or rule.hint
        if rule.id == "NoCrash" and not (kind.hint or failed.place) and self._skeleton:
            # no line of the submission was at work, as when a method is missing
            hint = f"compare the class with {self._skeleton}: the names of its methods, and their parameters"
        return Outcome(kind.status, rule.id, message, hint, (server,), now, failed.details)
