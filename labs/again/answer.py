"""The answer of `make again` in words: what is fixed, what is still red and why, and what fresh seeds have shown."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Sequence

from labs.again import rate
from labs.again.rerun import Answer
from labs.report import failures, terminal
from labs.report.page import keep
from labs.testing.run import RunRecord

SHOWN = 3
"""How many tests and seeds are named."""
LITTLE = 0.01
"""The bound of the rate that enough fresh seeds would show."""


def render(answer: Answer, submission: str) -> str:
    """Return the reasons of what fails, what fresh seeds have shown, and last the counts; it fits the terminal."""
    runs = [*answer.old, *answer.fresh]
    by_test = failures.by_test(answer.scenarios, runs)
    after = failures.unwritten(answer.scenarios, by_test)
    after.append("\n".join([*_headline(answer), *_fresh(answer, submission), *_next(answer, submission)]))
    room, pages = terminal.room_beside(after), keep.kept(runs)
    return "\n\n".join([*failures.paragraphs(answer.scenarios, by_test, submission, room=room, pages=pages), *after])


def _headline(answer: Answer) -> list[str]:
    """Return the counts of tests, with their seeds: "fixed 3, still red 1 (2B/figure_8, seed 7)"."""
    was_red = {one.test for one in answer.before.red}
    failed = _failing(answer.old)
    by_fresh = [test for test in _failing(answer.fresh) if test not in failed]
    waiting = [test for test in failed if all(run.rule == failures.UNWRITTEN for run in _failed(answer.old, test))]
    red = [test for test in failed if test not in waiting]
    green = [s.id for s in answer.scenarios if s.id not in failed and s.id not in by_fresh]
    fixed = [test for test in green if test in was_red]
    parts = [f"fixed {len(fixed)}"] if was_red else []
    named = (
        ("still red", [test for test in red if test in was_red], answer.old),
        ("red again", [test for test in red if test not in was_red], answer.old),
        ("red with fresh seeds", by_fresh, answer.fresh),
    )
    parts += [f"{words} {len(tests)} ({_seeds(tests, runs)})" for words, tests, runs in named if tests]
    if len(green) > len(fixed):
        parts.append(f"still green {len(green) - len(fixed)}")
    if waiting:
        parts.append(f"not written yet {len(waiting)}")
    text = textwrap.fill(", ".join(parts), terminal.width(), subsequent_indent=failures.MARGIN, break_on_hyphens=False)
    return [re.sub(r"\b(?:fixed|still green) [1-9]\d*", lambda found: terminal.coloured(found[0], "pass"), _red(text))]


def _red(text: str) -> str:
    words = r"\b(?:still red|red again|red with fresh seeds)(?= \d)"
    return re.sub(words, lambda found: terminal.coloured(found[0], "fail"), text)


def _failing(runs: Iterable[RunRecord]) -> list[str]:
    return list(dict.fromkeys(run.test for run in runs if run.status != "pass"))


def _failed(runs: Iterable[RunRecord], test: str) -> list[RunRecord]:
    return sorted((run for run in runs if run.test == test and run.status != "pass"), key=lambda run: run.seed)


def _seeds(tests: Sequence[str], runs: Iterable[RunRecord]) -> str:
    texts = []
    for test in tests[:SHOWN]:
        texts.append(f"{test}, {failures.seeds_in_words((run.seed for run in _failed(runs, test)), SHOWN)}")
    others = [f"and {len(tests) - SHOWN} more"] if len(tests) > SHOWN else []
    return "; ".join([*texts, *others])


def _fresh(answer: Answer, submission: str) -> list[str]:
    """Return lines with the rate of failures among the fresh seeds, and with how to learn more."""
    if not answer.fresh:
        return []
    tests = len({run.test for run in answer.fresh})
    failed, runs = sum(run.status != "pass" for run in answer.fresh), len(answer.fresh)
    first, last = answer.fresh_seeds[0], answer.fresh_seeds[-1]
    seeds = f"seeds {first} to {last}" if last > first else f"seed {first}"
    words = f"{seeds} of {tests} {'tests' if tests > 1 else 'test'}: {rate.in_words(failed, runs, tests)}"
    lines = [_wrapped("fresh", words)]
    if not failed and rate.upper_bound(0, len(answer.fresh_seeds)) > LITTLE:
        enough = f"make again RUNS={rate.needed(LITTLE)}{failures.chosen(submission)}"
        lines.append(_wrapped("more", f"{enough}  can show under {rate.percent_below(LITTLE)}"))
    return lines


def _next(answer: Answer, submission: str) -> list[str]:
    """Return a line with what comes next, if nothing is red."""
    if answer.after.red:
        return []
    stages = dict.fromkeys(scenario.stage for scenario in answer.scenarios)
    chosen = failures.chosen(submission)
    names = [f"make test-{'warmup' if stage == '0' else stage}{chosen}" for stage in stages]
    return [_wrapped("next", f"{', '.join(names)}: {'the whole stage' if len(names) == 1 else 'all of them'} again")]


def _wrapped(head: str, text: str) -> str:
    first, others = f"{failures.MARGIN}{head:8}", failures.MARGIN + " " * 8
    return textwrap.fill(text, terminal.width(), initial_indent=first, subsequent_indent=others, break_long_words=False)
