"""The terminal report: a table with one line per test, then each failure with its reason and the command that repeats
it.

Tests that wait for a method that is not written yet are only counted, unless everything is asked for.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import sys
import textwrap
from collections.abc import Sequence
from statistics import fmean

from tabulate import tabulate

from labs.report import columns, plan
from labs.report.green import Change
from labs.testing.run import RunRecord
from labs.testing.scenario import Scenario

SHOWN_SEEDS = 5
"""How many seeds of one failure are listed."""
MANY, SHOWN_TESTS = 4, 6
"""How many tests that fail for the same reason share one paragraph, and how many of the others it names."""
SAME_BEGINNING = 60
"""How many first characters of two messages are equal if they mean the same reason."""
LEAST_TITLE = 36
"""How many letters of a title matter more than the figures at the right."""
EXPENDABLE = ("commits", "bytes", "servers", "RPCs", "virtual s")
"""Those figures, the first to go first."""
NOT_WRITTEN = "not written yet: "
"""The beginning of the message of a run whose server lacks something (labs.checking.outcome)."""
TOGETHER = "\N{NO-BREAK SPACE}"
"""Stands for a space at which no line ends."""


def render(
    scenarios: Sequence[Scenario],
    records: Sequence[RunRecord],
    submission: str,
    verbose: bool = False,
    change: Change | None = None,
) -> str:
    """Return table and failures of a session; figures are means over the runs.

    Unless everything is asked for, the tables fit the terminal, and have no lines for tests of unwritten methods.
    `change` has the tests that turned green since the last run, and those that are no longer green.
    """
    by_test = {scenario.id: [r for r in records if r.test == scenario.id] for scenario in scenarios}
    shown = [s for s in scenarios if verbose or _worst(by_test[s.id]) != "not written"]
    drills = [scenario for scenario in shown if scenario.is_drill]
    tests = [scenario for scenario in shown if not scenario.is_drill]
    width = None if verbose else columns.room()
    parts = [_drills(drills, by_test, width)] if drills else []
    parts += [_table(tests, by_test, verbose, width)] if tests else []
    if verbose:
        parts.append(_runs(records))
    # A test that was not run, for the session was interrupted, has neither passed nor failed.
    passed = {s.id: all(r.status == "pass" for r in by_test[s.id]) for s in scenarios if by_test[s.id]}
    step = _step(scenarios, passed)
    folded = plan.later(step) if step and not verbose else set()
    parts += failures([s for s in scenarios if s.id not in folded], by_test, submission, verbose)
    parts += unwritten(scenarios, by_test, verbose)
    parts += _folded([scenario.id for scenario in shown if scenario.id in folded and not passed[scenario.id]])
    parts += _changed(change or Change())
    parts += [_next_step(step, scenarios, by_test, passed, submission)] if step else []
    parts.append(_summary(scenarios, by_test))
    return "\n\n".join(parts)


def render_one(record: RunRecord, submission: str) -> str:
    """Return the verdict of a single run."""
    words = f"{record.status}  {record.test}  {record.title}   seed {record.seed}, {record.virtual_time:.3f}{TOGETHER}s"
    head = _headline(words, record.status)
    return head if record.status == "pass" else f"{head}\n{_reason(record, submission, again=False)}"


def render_list(scenarios: Sequence[Scenario]) -> str:
    """Return the facts of the tests, one line each."""
    cells = {
        "test": [s.id for s in scenarios],
        "title": [s.title for s in scenarios],
        "points": [f"{s.points:g}" for s in scenarios],
        "servers": ["/".join(map(str, s.sizes)) for s in scenarios],
        "counterpart": [s.mit or "" for s in scenarios],
    }
    fitted = columns.fit(cells, "title", LEAST_TITLE, ("counterpart", "servers"), columns.room())
    return columns.render(fitted, left=("test", "title", "counterpart"))


def _drills(scenarios: Sequence[Scenario], by_test: dict[str, list[RunRecord]], width: int | None) -> str:
    """Return the table of the drills: their names, as in the handouts, and as much of their titles as fits."""
    cells = {"drill": [s.id for s in scenarios], **_verdicts(scenarios, by_test), "": [s.title for s in scenarios]}
    fitted = columns.fit(cells, "", LEAST_TITLE // 2, (), width)
    return columns.render(_with_colours(fitted), left=("drill", "verdict", ""))


def _table(scenarios: Sequence[Scenario], by_test: dict[str, list[RunRecord]], verbose: bool, width: int | None) -> str:
    """Return the table of the tests; in a narrow terminal, without the least useful figures."""
    runs = [by_test[scenario.id] for scenario in scenarios]
    cells = {
        "stage": [scenario.stage for scenario in scenarios],
        "test": [scenario.title for scenario in scenarios],
        **_verdicts(scenarios, by_test),
        "virtual s": [f"{_mean(some, 'virtual_time'):.1f}" for some in runs],
        "servers": [_sizes(some) for some in runs],
        "RPCs": [f"{_mean(some, 'rpcs'):.0f}" for some in runs],
        "bytes": [f"{_mean(some, 'bytes'):.0f}" for some in runs],
        "commits": [f"{_mean(some, 'commits'):.0f}" for some in runs],
    }
    if verbose:
        cells["wall s"] = [f"{_mean(some, 'wall_time'):.2f}" for some in runs]
    fitted = columns.fit(cells, "test", LEAST_TITLE, EXPENDABLE, width)
    return columns.render(_with_colours(fitted), left=("stage", "test", "verdict"))


def _verdicts(scenarios: Sequence[Scenario], by_test: dict[str, list[RunRecord]]) -> dict[str, list[str]]:
    runs = [by_test[scenario.id] for scenario in scenarios]
    passed = [sum(run.status == "pass" for run in some) for some in runs]
    counts = [f"{count}/{len(some)}" for count, some in zip(passed, runs)]
    return {"verdict": [_worst(some) for some in runs], "runs": counts}


def _with_colours(cells: dict[str, list[str]]) -> dict[str, list[str]]:
    return {**cells, "verdict": [_verdict(status) for status in cells["verdict"]]}


def _sizes(runs: Sequence[RunRecord]) -> str:
    sizes = sorted({run.servers for run in runs})
    return f"{sizes[0]}-{sizes[-1]}" if len(sizes) > 1 else str(*sizes)


def _runs(records: Sequence[RunRecord]) -> str:
    rows = [
        (r.test, r.seed, r.status, f"{r.virtual_time:.3f}", f"{r.wall_time:.3f}", r.servers, r.rpcs, r.digest[:16])
        for r in sorted(records, key=lambda record: (record.test, record.seed))
    ]
    headers = ("test", "seed", "status", "virtual s", "wall s", "servers", "RPCs", "digest")
    return str(tabulate(rows, headers=headers, tablefmt="simple", disable_numparse=True))


def failures(
    scenarios: Sequence[Scenario], by_test: dict[str, list[RunRecord]], submission: str, verbose: bool = False
) -> list[str]:
    """Return one paragraph per failed test; tests of unwritten methods do not count as failed here.

    Unless everything is asked for, many tests that failed for the same reason share one paragraph: that of the shortest
    run.
    """
    alike: dict[tuple[str, ...], list[tuple[Scenario, list[RunRecord]]]] = {}
    for scenario in scenarios:
        failed = [run for run in by_test[scenario.id] if run.status != "pass" and run.rule != "NotWritten"]
        if failed:
            reason = _reason_of(_first(failed))
            alike.setdefault(reason if not verbose else (scenario.id,), []).append((scenario, failed))
    parts: list[str] = []
    for group in alike.values():
        if len(group) < MANY:
            parts += [_failure(scenario, failed, len(by_test[scenario.id]), submission) for scenario, failed in group]
        else:
            parts.append(_shared_failure(group, by_test, submission))
    return parts


def _first(runs: list[RunRecord]) -> RunRecord:
    """Return the run with the lowest seed, which is the one that is shown."""
    return min(runs, key=lambda run: run.seed)


def _reason_of(run: RunRecord) -> tuple[str, ...]:
    """Return what failures for the same reason share: the status, the rule, and the line in the message.

    Without a line it is the beginning of the message, without its numbers.
    """
    place = re.search(r"[\w./-]+\.py:\d+ in \w+", run.message)
    return run.status, run.rule or "", place[0] if place else re.sub(r"\d+", "", run.message)[:SAME_BEGINNING]


def _shared_failure(
    group: list[tuple[Scenario, list[RunRecord]]], by_test: dict[str, list[RunRecord]], submission: str
) -> str:
    """Return one paragraph for tests that failed for the same reason: that of the shortest run, and the names of the
    others."""
    scenario, failed = min(group, key=lambda pair: _first(pair[1]).virtual_time)
    names = [other.id for other, _ in group if other is not scenario]
    more = f", and {len(names) - SHOWN_TESTS} more" if len(names) > SHOWN_TESTS else ""
    text = f"the same in {len(names)} other tests (V=1 shows each): {', '.join(names[:SHOWN_TESTS])}{more}"
    lines = textwrap.wrap(text, _width() - 6, initial_indent="also    ", subsequent_indent=" " * 8)
    own = _failure(scenario, failed, len(by_test[scenario.id]), submission)
    return "\n".join([own, *("      " + line for line in lines)])


def unwritten(scenarios: Sequence[Scenario], by_test: dict[str, list[RunRecord]], verbose: bool = False) -> list[str]:
    """Return the unwritten methods, each once, with the names or the number of the tests that need it."""
    wanted: dict[str, list[str]] = {}
    for scenario in scenarios:
        missing = [run for run in by_test[scenario.id] if run.rule == "NotWritten"]
        for run in missing[:1]:
            wanted.setdefault(run.message, []).append(scenario.id)
    if not wanted:
        return []
    if not verbose:
        return ["\n".join(_waiting(wanted))]
    named = [f"{message}: wanted by {', '.join(tests)}" for message, tests in wanted.items()]
    return [textwrap.fill(text, _width(), subsequent_indent="    ") for text in named]


def _waiting(wanted: dict[str, list[str]]) -> list[str]:
    """Return one line per unwritten method: its place, and how many tests wait for it."""
    texts = [f"{NOT_WRITTEN}{_part(message)}" for message in wanted]
    wide = max(map(len, texts))
    counts = [f"{len(tests)} tests wait" if len(tests) > 1 else "1 test waits" for tests in wanted.values()]
    return [f"{text:{wide}}   {count} for it" for text, count in zip(texts, counts)]


def _part(message: str) -> str:
    """Return the unwritten method that a message names, with its line: "run (raft.py:81)"."""
    return re.sub(r"^(\w+) \((.+) in \1\)$", r"\1 (\2)", message.removeprefix(NOT_WRITTEN))


def _changed(change: Change) -> list[str]:
    """Return one paragraph for the tests that turned green since the last run, and one for those that are no longer
    green."""
    named = (("green since the last run", change.gained, "pass"), ("no longer green", change.lost, "fail"))
    parts = []
    for words, tests, status in named:
        if tests:
            text = textwrap.fill(f"{words}: {', '.join(tests)}", _width(), subsequent_indent="    ")
            parts.append(_coloured(words, status) + text.removeprefix(words))
    return parts


def _folded(drills: Sequence[str]) -> list[str]:
    """Return one paragraph for the failing drills of later steps."""
    if not drills:
        return []
    words = "of later steps, and not due yet (V=1 shows why they fail): "
    return [textwrap.fill(words + ", ".join(drills), _width(), subsequent_indent="    ")]


def _step(scenarios: Sequence[Scenario], passed: dict[str, bool]) -> plan.Step | None:
    """Return the step that is due in the plan of the first unfinished stage; None if not all its drills were run."""
    stages = dict.fromkeys(scenario.stage for scenario in scenarios if scenario.is_drill)
    return next((step for stage in stages if (step := plan.current(stage, passed))), None)


def _next_step(
    step: plan.Step,
    scenarios: Sequence[Scenario],
    by_test: dict[str, list[RunRecord]],
    passed: dict[str, bool],
    submission: str,
) -> str:
    def lacks(drill: str) -> str:
        return next((_part(run.message) for run in by_test[drill] if run.rule == "NotWritten"), "")

    stage = step.drills[0].partition("/")[0]
    again = f"make drills STAGE={stage}" if all(s.is_drill for s in scenarios) else f"make test-{stage}"
    return plan.render(step, passed, lacks, again + _chosen(submission))


def _failure(scenario: Scenario, failed: list[RunRecord], runs: int, submission: str) -> str:
    first = _first(failed)
    word = "seed" if len(failed) == 1 else "seeds"
    seeds = ", ".join(str(run.seed) for run in sorted(failed, key=lambda run: run.seed)[:SHOWN_SEEDS])
    more = ", …" if len(failed) > SHOWN_SEEDS else ""
    words = f"{first.status}  {scenario.id}  {scenario.title}   failed {len(failed)} of {runs}: {word} {seeds}{more}"
    return f"{_headline(words, first.status)}\n{_reason(first, submission)}"


def _headline(words: str, status: str) -> str:
    """Return words that begin with a status, wrapped to the terminal's width, with the status in its colour."""
    wrapped = textwrap.fill(words, _width(), subsequent_indent=" " * 6, break_on_hyphens=False)
    return _verdict(status) + wrapped.removeprefix(status).replace(TOGETHER, " ")


def _reason(record: RunRecord, submission: str, again: bool = True) -> str:
    lines = []
    for paragraph in f"{record.message}   t={record.virtual_time:.3f}{TOGETHER}s".splitlines():
        lines += [line.replace(TOGETHER, " ") for line in textwrap.wrap(paragraph, _width() - 6)] or [""]
    if record.hint:
        lines += textwrap.wrap(record.hint, _width() - 6, initial_indent="hint    ", subsequent_indent=" " * 8)
    if again:
        lines.append(f"replay  {replay_command(record, submission)}")
    return "\n".join("      " + line for line in lines)


def replay_command(record: RunRecord, submission: str) -> str:
    """Return the command that repeats a run."""
    return f"make replay TEST={record.test} SEED={record.seed}{_chosen(submission)}"


def _chosen(submission: str) -> str:
    return "" if submission == "skeleton" else f" SUBMISSION={shlex.quote(str(submission))}"


def _summary(scenarios: Sequence[Scenario], by_test: dict[str, list[RunRecord]]) -> str:
    passed = [s for s in scenarios if by_test[s.id] and all(r.status == "pass" for r in by_test[s.id])]
    runs = [run for scenario in scenarios for run in by_test[scenario.id]]
    points, possible = sum(s.points for s in passed), sum(s.points for s in scenarios)
    virtual = sum(run.virtual_time for run in runs)
    words = (
        f"{len(passed)} of {len(scenarios)} tests passed every run, {points} of {possible} points; "
        f"{len(runs)} runs, {virtual:,.0f} s of virtual time"
    )
    return textwrap.fill(words, _width())


def _worst(runs: Sequence[RunRecord]) -> str:
    order = ("grader-error", "error", "fail", "pass")
    if any(run.rule == "NotWritten" for run in runs) and all(run.rule in ("NotWritten", None) for run in runs):
        return "not written"
    return min((run.status for run in runs), key=order.index, default="not run")


def _verdict(status: str) -> str:
    return _coloured(status, status)


def _coloured(text: str, status: str) -> str:
    """Return a text in the colour of a verdict, if colours are shown."""
    if not sys.stdout.isatty() or "NO_COLOR" in os.environ:
        return text
    colour = {"pass": "32", "not written": "33", "not run": "33"}.get(status, "31")
    return f"\033[{colour}m{text}\033[0m"


def _mean(runs: Sequence[RunRecord], name: str) -> float:
    return fmean(getattr(run, name) for run in runs) if runs else 0.0


def _width() -> int:
    return max(60, min(120, shutil.get_terminal_size((100, 24)).columns))
