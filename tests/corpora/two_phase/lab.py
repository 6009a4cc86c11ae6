"""The two-phase commit lab as data: its rules, its checkers, its stages."""

import functools

from labs.checking.checker import Checker, Checkers, Violation
from labs.checking.conduct import conduct
from labs.checking.configuration import Configuration
from labs.checking.rule import Rule, catalogue
from labs.checking.stage import Stage, stages
from labs.testing import scenario as marks
from labs.testing.lab import Lab
from labs.trace.events import Deliver, Send
from tests.corpora.two_phase.protocol import PARTICIPANTS

ABORTS = "aborts"
RULES = catalogue(
    Rule("AllVotes", "2PC, phase 2", "to commit needs a yes of every participant", "which votes arrived?", "1"),
    Rule("AllApply", "2PC, phase 2", "what is committed is applied by all", "does everyone hear it?", "1", True),
    Rule("OneDecision", "2PC, phase 2", "a decision is for everyone", "which server gets which message?", "2"),
    *conduct("1"),
)


class Votes(Checker):  # those that have reached the coordinator
    def __init__(self) -> None:
        self.yes: dict[int, set[int]] = {}

    def on_deliver_vote(self, event: Deliver) -> None:
        if event.message.yes:
            self.yes.setdefault(event.message.number, set()).add(event.message.voter)


class Decisions(Checker):  # a commit needs votes; in the stage of aborts, all must also hear the same
    def __init__(self, votes: Votes, stage: Stage) -> None:
        self._votes, self._one, self._decided = votes, stage.has(ABORTS), dict[int, bool]()

    def on_send_decide(self, event: Send) -> None:
        number, commit = event.message.number, event.message.commit
        missing = sorted({*PARTICIPANTS.members} - self._votes.yes.get(number, set()))
        if commit and missing:
            raise Violation("AllVotes", f"commit {number} lacks server {missing[0]}'s yes", (event.server,), event.time)
        if self._one and self._decided.setdefault(number, commit) is not commit:
            raise Violation("OneDecision", f"two decisions on {number}", (event.server,), event.time)


def checkers(configuration: Configuration, stage: Stage, counted: bool = False) -> Checkers:
    return Checkers(votes := Votes(), [Decisions(votes, stage)])


TWO_PHASE = Lab("two-phase commit", "party.py:Party", stages(("1", ()), ("2", (ABORTS,))), RULES, checkers)
scenario, drill = functools.partial(marks.scenario, TWO_PHASE), functools.partial(marks.drill, TWO_PHASE)
