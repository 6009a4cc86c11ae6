"""The terminal report: one line per test, then each failure with its reason and the command that repeats it.

Unless everything is asked for, tests that wait for a method that is not written yet are only counted, and so are many
green ones in a terminal.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from statistics import fmean

from tabulate import tabulate

from labs.report import columns, done, failures, plan, terminal
from labs.report.green import Change
from labs.report.page.keep import Pages
from labs.testing.run import RunRecord
from labs.testing.scenario import Scenario

LEAST_TITLE, LEAST_LISTED = 24, 36
"""How many letters of a title matter more than the figures beside it; and how many in the list of all tests."""
EXPENDABLE = ("commits", "bytes", "servers", "RPCs", "virtual s")
"""Those figures, the first to go first."""
FEW = 5
"""How many green drills, or tests, of a command have lines of their own in a terminal."""
MOST_CHANGED = 8
"""How many tests that turned green, or red, are named."""


def render(
    scenarios: Sequence[Scenario],
    records: Sequence[RunRecord],
    submission: str,
    verbose: bool = False,
    change: Change | None = None,
    pages: Pages | None = None,
) -> str:
    """Return table and failures of a session; figures are means over the runs.

    Unless everything is asked for, the tables fit the terminal, and have no lines for tests of unwritten methods, nor
    for many green ones. `change` has the tests that turned green since the last run, and those that are no longer
    green; `pages` the files that show runs.
    """
    by_test = failures.by_test(scenarios, records)
    # A test that was not run, for the session was interrupted, has neither passed nor failed.
    passed = {s.id: all(r.status == "pass" for r in by_test[s.id]) for s in scenarios if by_test[s.id]}
    parts = _tables(scenarios, by_test, passed, verbose)
    if verbose:
        parts.append(_runs(records))
    step = _step(scenarios, passed)
    folded = plan.later(step) if step and not verbose else set()
    due = [scenario for scenario in scenarios if scenario.id not in folded]
    after = failures.unwritten(scenarios, by_test, verbose)
    after += _folded([s.id for s in scenarios if s.id in folded and not passed[s.id] and not _waits(by_test[s.id])])
    after += _changed(change or Change(), verbose)
    after += [_next_step(step, by_test, passed, submission)] if step else []
    after += done.render(scenarios, by_test, failures.chosen(submission))
    after.append(_summary(scenarios, by_test))
    # The tables may scroll away, but not the reasons: they and all after them fit the terminal.
    room = terminal.room_beside(after)
    return "\n\n".join([*parts, *failures.paragraphs(due, by_test, submission, verbose, room, pages), *after])


def render_one(record: RunRecord, submission: str) -> str:
    """Return the verdict of a single run."""
    time = f"{record.virtual_time:.3f}{failures.TOGETHER}s"
    words = f"{record.status}  {record.test}  {record.title}   seed {record.seed}, {time}"
    head = failures.headline(words, record.status)
    return head if record.status == "pass" else f"{head}\n{failures.reason(record, submission, again=False)}"


def render_list(scenarios: Sequence[Scenario]) -> str:
    """Return the facts of the tests, one line each; drills have no points here, for the grade weighs them otherwise."""
    points = {} if all(s.is_drill for s in scenarios) else {"points": [f"{s.points:g}" for s in scenarios]}
    cells = {
        "test": [s.id for s in scenarios],
        "title": [s.title for s in scenarios],
        **points,
        "servers": ["/".join(map(str, s.sizes)) for s in scenarios],
        "counterpart": [s.mit or "" for s in scenarios],
    }
    fitted = columns.fit(cells, "title", LEAST_LISTED, ("counterpart", "servers"), columns.room())
    return columns.render(fitted, left=("test", "title", "counterpart"))


def _tables(
    scenarios: Sequence[Scenario], by_test: dict[str, list[RunRecord]], passed: dict[str, bool], verbose: bool
) -> list[str]:
    """Return the tables of drills and of tests; in a terminal many green ones are one line per stage, before these."""
    width = None if verbose else columns.room()
    kinds = [[s for s in scenarios if s.is_drill is is_drill] for is_drill in (True, False)]
    counted: list[list[Scenario]] = []
    parts = []
    for kind, draw in zip(kinds, (_drills, _table)):
        shown = [s for s in kind if verbose or not _waits(by_test[s.id])]
        if width is not None and sum(passed.get(s.id, False) for s in kind) > FEW:
            counted.append(kind)
            shown = [s for s in shown if not passed.get(s.id, False)]
        if shown:
            parts.append(draw(shown, by_test, verbose, width))
    return [_counts(counted, passed), *parts] if counted else parts


def _counts(kinds: Sequence[Sequence[Scenario]], passed: dict[str, bool]) -> str:
    """Return one line per stage: how many of its drills, and of its tests, pass."""
    lines = []
    for stage in dict.fromkeys(scenario.stage for kind in kinds for scenario in kind):
        counts, is_green = [], True
        for kind in kinds:
            verdicts = [passed.get(scenario.id, False) for scenario in kind if scenario.stage == stage]
            noun = "drills" if kind[0].is_drill else "tests"
            counts += [f"{sum(verdicts)} of {len(verdicts)} {noun}"] if verdicts else []
            is_green = is_green and all(verdicts)
        words = f"{' and '.join(counts)} pass"
        lines.append(f"{stage:4} {terminal.coloured(words, 'pass') if is_green else words}")
    return "\n".join([f"{lines[0]}   (V=1 lists all of them)", *lines[1:]])


def _drills(
    scenarios: Sequence[Scenario], by_test: dict[str, list[RunRecord]], verbose: bool, width: int | None
) -> str:
    """Return the table of the drills: their names, as in the handouts, and as much of their titles as fits."""
    titles = [scenario.title for scenario in scenarios]
    cells = {"drill": [s.id for s in scenarios], **_verdicts(scenarios, by_test), "title": titles}
    fitted = columns.fit(cells, "title", LEAST_TITLE, (), width)
    return columns.render(_with_colours(fitted), left=("drill", "verdict", "title"))


def _table(scenarios: Sequence[Scenario], by_test: dict[str, list[RunRecord]], verbose: bool, width: int | None) -> str:
    """Return the table of the tests; in a narrow terminal, without the least useful figures."""
    runs = [by_test[scenario.id] for scenario in scenarios]
    cells = {
        "test": [scenario.id for scenario in scenarios],
        **_verdicts(scenarios, by_test),
        "virtual s": [f"{_mean(some, 'virtual_time'):.1f}" for some in runs],
        "servers": [_sizes(some) for some in runs],
        "RPCs": [f"{_mean(some, 'rpcs'):.0f}" for some in runs],
        "bytes": [f"{_mean(some, 'bytes'):.0f}" for some in runs],
        "commits": [f"{_mean(some, 'commits'):.0f}" for some in runs],
        **({"wall s": [f"{_mean(some, 'wall_time'):.2f}" for some in runs]} if verbose else {}),
        "title": [scenario.title for scenario in scenarios],
    }
    fitted = columns.fit(cells, "title", LEAST_TITLE, EXPENDABLE, width)
    return columns.render(_with_colours(fitted), left=("test", "verdict", "title"))


def _verdicts(scenarios: Sequence[Scenario], by_test: dict[str, list[RunRecord]]) -> dict[str, list[str]]:
    runs = [by_test[scenario.id] for scenario in scenarios]
    passed = [sum(run.status == "pass" for run in some) for some in runs]
    counts = [f"{count}/{len(some)}" for count, some in zip(passed, runs)]
    return {"verdict": [_worst(some) for some in runs], "runs": counts}


def _with_colours(cells: dict[str, list[str]]) -> dict[str, list[str]]:
    return {**cells, "verdict": [failures.verdict(status) for status in cells["verdict"]]}


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


def _changed(change: Change, verbose: bool) -> list[str]:
    """Return one paragraph for the tests that turned green since the last run, and one for the opposite."""
    both = (("green since the last run", change.gained, "pass"), ("no longer green", change.lost, "fail"))
    parts = []
    for words, tests, status in both:
        if tests:
            named = tests if verbose else tests[:MOST_CHANGED]
            more = f", and {len(tests) - len(named)} more (V=1 names all)" if len(tests) > len(named) else ""
            text = textwrap.fill(f"{words}: {', '.join(named)}{more}", terminal.width(), subsequent_indent="    ")
            parts.append(terminal.coloured(words, status) + text.removeprefix(words))
    return parts


def _folded(drills: Sequence[str]) -> list[str]:
    """Return one paragraph for the failing drills of later steps."""
    if not drills:
        return []
    words = "of later steps, and not due yet (V=1 shows why they fail): "
    more = f", and {len(drills) - failures.SHOWN_TESTS} more" if len(drills) > failures.SHOWN_TESTS else ""
    text = words + ", ".join(drills[: failures.SHOWN_TESTS]) + more
    return [textwrap.fill(text, terminal.width(), subsequent_indent="    ")]


def _step(scenarios: Sequence[Scenario], passed: dict[str, bool]) -> plan.Step | None:
    """Return the step that is due in the plan of the first unfinished stage; None if not all its drills were run."""
    stages = dict.fromkeys(scenario.stage for scenario in scenarios if scenario.is_drill)
    return next((step for stage in stages if (step := plan.current(stage, passed))), None)


def _next_step(step: plan.Step, by_test: dict[str, list[RunRecord]], passed: dict[str, bool], submission: str) -> str:
    def lacks(drill: str) -> str:
        return next((failures.part(run.message) for run in by_test[drill] if run.rule == "NotWritten"), "")

    stage = step.drills[0].partition("/")[0]
    return plan.render(step, passed, lacks, f"make drills STAGE={stage}{failures.chosen(submission)}")


def _summary(scenarios: Sequence[Scenario], by_test: dict[str, list[RunRecord]]) -> str:
    passed = [s for s in scenarios if by_test[s.id] and all(r.status == "pass" for r in by_test[s.id])]
    runs = [run for scenario in scenarios for run in by_test[scenario.id]]
    virtual = sum(run.virtual_time for run in runs)
    words = (
        f"{len(passed)} of {len(scenarios)} tests passed every run; {len(runs)} runs, {virtual:,.0f} s of virtual time"
    )
    return textwrap.fill(words, terminal.width())


def _waits(runs: Sequence[RunRecord]) -> bool:
    """Return whether a test waits for a method that is not written yet."""
    return _worst(runs) == "not written"


def _worst(runs: Sequence[RunRecord]) -> str:
    order = ("grader-error", "error", "fail", "pass")
    if any(run.rule == "NotWritten" for run in runs) and all(run.rule in ("NotWritten", None) for run in runs):
        return "not written"
    return min((run.status for run in runs), key=order.index, default="not run")


def _mean(runs: Sequence[RunRecord], name: str) -> float:
    return fmean(getattr(run, name) for run in runs) if runs else 0.0
