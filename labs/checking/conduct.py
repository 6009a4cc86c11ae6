"""The rules of conduct: what is asked of a server's code, whatever the protocol."""

from __future__ import annotations

from dataclasses import replace

from labs.checking.rule import Rule


def conduct(stage: str) -> tuple[Rule, ...]:
    """Return the rules of conduct for a lab; `stage` is the first in which they are judged."""
    return tuple(replace(rule, stage=stage) for rule in _RULES)


_RULES: tuple[Rule, ...] = (
    Rule(
        "NoSpin",
        "the simulator",
        "a server lets time pass: it does not loop without a sleep or a wait",
        "put an await that really waits into the loop: trio.sleep, an event, a call",
        "",
    ),
    Rule("NoCrash", "the simulator", "a server's code raises no exception", "read the line that is named", ""),
    Rule(
        "NoStall",
        "the simulator",
        "a server gives way to others: it does not loop without an await",
        "every loop needs an await in each round",
        "",
    ),
    Rule(
        "CpuBudget",
        "the simulator",
        "the servers of a run stay within the run's CPU time",
        "look for work that grows with the log or with the number of messages",
        "",
    ),
    Rule(
        "SimulatedTimeOnly",
        "the simulator",
        "a server uses no clock, thread, socket or chance but the simulation's",
        "use trio for time and tasks, node.random for chance, node.call for messages",
        "",
    ),
    Rule(
        "EndsWhenCrashed",
        "the simulator",
        "a crash ends all that a server does",
        "let trio.Cancelled pass: no bare except, no except BaseException around an await",
        "",
    ),
    Rule(
        "WellFormed",
        "the student's API",
        "a server sends, saves, applies and returns only values of the API's types",
        "the handout on the API shows each call with its types",
        "",
    ),
    Rule(
        "NotWritten",
        "the skeleton",
        "this part is not written yet",
        "the page of the stage explains what belongs here",
        "",
    ),
)
