"""Failures in words: each cause once, with its shortest run, and what is not written yet.

A cause is what failures at one place have in common: the status, the rule, and the line of the submission or else the
words of the message. Runs of several tests, and of several seeds, share it. If something did not happen in time, its
beginning shows little: then what is special about a test counts, too, and a cluster of one server is apart.
"""

from __future__ import annotations

import re
import shlex
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from labs.raft.rules import RULES
from labs.report import terminal
from labs.report.page.keep import Pages
from labs.testing.run import RunRecord
from labs.testing.scenario import Scenario

SHOWN_SEEDS = 5
"""How many seeds of one failure are listed."""
SHOWN_TESTS = 3
"""How many of the other tests that fail for the same reason are named."""
SAME_BEGINNING = 40
"""How many first characters of two messages, after rule and place, are equal if they mean the same cause."""
LEAST_BRIEF = 3
"""How many causes have a line of their own, however low the terminal is."""
UNWRITTEN = "NotWritten"
"""The rule of a run whose server lacks something (labs.checking.outcome)."""
NOT_WRITTEN = "not written yet: "
"""The beginning of its message."""
TOGETHER = "\N{NO-BREAK SPACE}"
"""Stands for a space at which no line ends."""
MARGIN = " " * 6
DEBUGGER, ONLY_IN_REPLAY = "BdbQuit", "breakpoint() works only in a replay: type the next line, or take it out"
"""What a message names if a server called the debugger where nobody can type, and the hint then."""


@dataclass(frozen=True)
class Cause:
    """The runs that failed for one reason."""

    runs: tuple[RunRecord, ...]

    @property
    def shortest(self) -> RunRecord:
        """The run that ended first in virtual time, which is the one to replay."""
        return min(self.runs, key=lambda run: (run.virtual_time, run.seed))

    @property
    def tests(self) -> list[str]:
        """The ids of the tests, each once."""
        return list(dict.fromkeys(run.test for run in self.runs))


def by_test(scenarios: Iterable[Scenario], records: Sequence[RunRecord]) -> dict[str, list[RunRecord]]:
    """Return the runs of each test, by its id."""
    return {scenario.id: [run for run in records if run.test == scenario.id] for scenario in scenarios}


def causes(records: Sequence[RunRecord], apart: bool = False) -> list[Cause]:
    """Return the causes of the failures among some runs, in the order in which they come.

    Runs of unwritten methods do not count as failed here. With `apart`, each test has causes of its own.
    """
    alike: dict[tuple[str, ...], list[RunRecord]] = {}
    for run in records:
        if run.status != "pass" and run.rule != UNWRITTEN:
            reason = _reason_of(run)
            alike.setdefault((run.test, *reason) if apart else reason, []).append(run)
    return [Cause(tuple(runs)) for runs in alike.values()]


def _reason_of(run: RunRecord) -> tuple[str, ...]:
    """Return what failures for the same reason share: the status, the rule, and the line in the message.

    Without a line it is the beginning of the message, without its numbers. A message about what did not happen in time
    may end with what is special about the test: "; server 2 is slow, and needed for a majority".
    """
    place = re.search(r"[\w./-]+\.py:\d+ in \w+", run.message)
    words = re.sub(r"\d+", "", re.sub(r"^\w+( \([^)]*\))?: ", "", run.message))
    reason = (run.status, run.rule or "", place[0] if place else words[:SAME_BEGINNING])
    if place or run.rule not in RULES or not RULES[run.rule].liveness:
        return reason
    special = [part for part in words.split("; ")[1:] if not part.startswith("then ")]
    return (*reason, "alone" if run.servers == 1 else "", *special)


def paragraphs(
    scenarios: Sequence[Scenario],
    by_test: Mapping[str, Sequence[RunRecord]],
    submission: str,
    verbose: bool = False,
    room: int | None = None,
    pages: Pages | None = None,
) -> list[str]:
    """Return one paragraph per cause, with the shortest run; if everything is asked for, one per test and cause.

    Not more than `room` lines are filled: the causes that come last have one line each. `pages` are named with the runs
    that they show.
    """
    runs = [run for scenario in scenarios for run in by_test[scenario.id]]
    found = causes(runs, apart=verbose)
    long = [_paragraph(cause, by_test, submission, pages or {}) for cause in found]
    return long if room is None or verbose else _fitted(long, [_brief(cause, submission) for cause in found], room)


def _fitted(long: list[str], brief: list[str], room: int) -> list[str]:
    """Return as many whole paragraphs as fit, at least one, and the brief line of each other cause."""
    for whole in range(len(long), 0, -1):
        texts = [*long[:whole], *(["\n".join(brief[whole:])] if brief[whole:] else [])]
        if terminal.filled(texts) <= room:
            return texts
    others = brief[1:]
    left = max(LEAST_BRIEF, room - terminal.filled(long[:1]) - 2)
    if len(others) > left:
        others = [*others[:left], f"{MARGIN}and {len(others) - left} more causes; V=1 shows all of them"]
    return [*long[:1], *(["\n".join(others)] if others else [])]


def _brief(cause: Cause, submission: str) -> str:
    run = cause.shortest
    count = f"{len(cause.tests)} tests" if len(cause.tests) > 1 else "1 test"
    words = f"{run.rule or run.status}, {count}:  {replay_command(run, submission)}"
    return f"{verdict(run.status)}  {words}"


def _paragraph(cause: Cause, by_test: Mapping[str, Sequence[RunRecord]], submission: str, pages: Pages) -> str:
    run = cause.shortest
    why = reason(run, submission, page=pages.get((run.test, run.seed)))
    if command := diff_command(run, by_test[run.test], submission):
        why += f"\n{MARGIN}diff    {command}"
    if len(cause.tests) == 1:
        seeds = seeds_in_words((other.seed for other in cause.runs), SHOWN_SEEDS)
        how_often = f"failed {len(cause.runs)} of {len(by_test[run.test])}: {seeds}"
        words = f"{run.status}  {run.test}  {run.title}   {how_often}"
        return f"{headline(words, run.status)}\n{why}"
    words = f"{run.status}  {run.test}  {run.title}   {len(cause.tests)} tests fail so; the shortest: seed {run.seed}"
    return "\n".join([headline(words, run.status), why, *_others(cause)])


def seeds_in_words(seeds: Iterable[int], most: int) -> str:
    """Return seeds as "seed 7" or "seeds 1, 2, 3, …", of which at most `most` are named."""
    found = sorted(set(seeds))
    more = ", …" if len(found) > most else ""
    return f"{'seed' if len(found) == 1 else 'seeds'} {', '.join(map(str, found[:most]))}{more}"


def _others(cause: Cause) -> list[str]:
    """Return lines that name the other tests of a cause."""
    names = [test for test in cause.tests if test != cause.shortest.test]
    more = f", and {len(names) - SHOWN_TESTS} more (V=1 names all)" if len(names) > SHOWN_TESTS else ""
    text = ", ".join(names[:SHOWN_TESTS]) + more
    lines = textwrap.wrap(
        text, terminal.width() - 6, initial_indent="also    ", subsequent_indent=" " * 8, break_on_hyphens=False
    )
    return [MARGIN + line for line in lines]


def headline(words: str, status: str) -> str:
    """Return words that begin with a status, wrapped to the terminal's width, with the status in its colour."""
    wrapped = textwrap.fill(words, terminal.width(), subsequent_indent=MARGIN, break_on_hyphens=False)
    return verdict(status) + wrapped.removeprefix(status).replace(TOGETHER, " ")


def reason(record: RunRecord, submission: str, again: bool = True, page: Path | None = None) -> str:
    """Return message and hint of a run, the command that repeats it, and the page that shows it."""
    lines = []
    for paragraph in f"{record.message}   t={record.virtual_time:.3f}{TOGETHER}s".splitlines():
        lines += [line.replace(TOGETHER, " ") for line in textwrap.wrap(paragraph, terminal.width() - 6)] or [""]
    hint = ONLY_IN_REPLAY if again and DEBUGGER in record.message else record.hint
    if hint:
        lines += textwrap.wrap(hint, terminal.width() - 6, initial_indent="hint    ", subsequent_indent=" " * 8)
    if again:
        lines.append(f"replay  {replay_command(record, submission)}")
    if page is not None:
        lines.append(f"page    {page.as_posix()}")
    return "\n".join(MARGIN + line for line in lines)


def replay_command(record: RunRecord, submission: str) -> str:
    """Return the command that repeats a run."""
    return f"make replay TEST={record.test} SEED={record.seed}{chosen(submission)}"


def diff_command(record: RunRecord, runs: Iterable[RunRecord], submission: str) -> str:
    """Return the command that shows a failed run beside a passed one of its test, the nearest seed; "" without one.

    A run with as many servers is nearer than one with another number of them.
    """
    green = [run for run in runs if run.status == "pass" and run.seed != record.seed]
    if not green:
        return ""
    nearest = min(green, key=lambda run: (run.servers != record.servers, abs(run.seed - record.seed), run.seed))
    return f"make diff TEST={record.test} SEED={record.seed} WITH={nearest.seed}{chosen(submission)}"


def chosen(submission: str) -> str:
    """Return the option of `make` that chooses a submission; "" for the skeleton."""
    return "" if submission == "skeleton" else f" SUBMISSION={shlex.quote(str(submission))}"


def verdict(status: str) -> str:
    """Return a verdict in its colour."""
    return terminal.coloured(status, status)


def unwritten(
    scenarios: Sequence[Scenario], by_test: Mapping[str, Sequence[RunRecord]], verbose: bool = False
) -> list[str]:
    """Return the unwritten methods, each once, with the names or the number of the tests that need it."""
    wanted: dict[str, list[str]] = {}
    for scenario in scenarios:
        missing = [run for run in by_test[scenario.id] if run.rule == UNWRITTEN]
        for run in missing[:1]:
            wanted.setdefault(run.message, []).append(scenario.id)
    if not wanted:
        return []
    if not verbose:
        return ["\n".join(_waiting(wanted))]
    named = [f"{message}: wanted by {', '.join(tests)}" for message, tests in wanted.items()]
    return [textwrap.fill(text, terminal.width(), subsequent_indent="    ") for text in named]


def _waiting(wanted: dict[str, list[str]]) -> list[str]:
    """Return one line per unwritten method: its place, and how many tests wait for it."""
    texts = [f"{NOT_WRITTEN}{part(message)}" for message in wanted]
    wide = max(map(len, texts))
    counts = [f"{len(tests)} tests wait" if len(tests) > 1 else "1 test waits" for tests in wanted.values()]
    return [f"{text:{wide}}   {count} for it" for text, count in zip(texts, counts)]


def part(message: str) -> str:
    """Return the unwritten method that a message names, with its line: "run (raft.py:81)"."""
    return re.sub(r"^(\w+) \((.+) in \1\)$", r"\1 (\2)", message.removeprefix(NOT_WRITTEN))
