"""The terminal report: one line per test, then each failure with its reason and the command that repeats it.

Tests that wait for a method that is not written yet are only counted, unless everything is asked for.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from statistics import fmean

from tabulate import tabulate

from labs.report import columns, failures, plan, terminal
from labs.report.green import Change
from labs.report.page.keep import Pages
from labs.testing.run import RunRecord
from labs.testing.scenario import Scenario

LEAST_TITLE = 36
"""How many letters of a title matter more than the figures at the right."""
EXPENDABLE = ("commits", "bytes", "servers", "RPCs", "virtual s")
"""Those figures, the first to go first."""


def render(
    scenarios: Sequence[Scenario],
    records: Sequence[RunRecord],
    submission: str,
    verbose: bool = False,
    change: Change | None = None,
    pages: Pages | None = None,
) -> str:
    """Return table and failures of a session; figures are means over the runs.

    Unless everything is asked for, the tables fit the terminal, and have no lines for tests of unwritten methods.
    `change` has the tests that turned green since the last run, and those that are no longer green; `pages` the files
    that show runs.
    """
    by_test = failures.by_test(scenarios, records)
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
    due = [scenario for scenario in scenarios if scenario.id not in folded]
    after = failures.unwritten(scenarios, by_test, verbose)
    after += _folded([scenario.id for scenario in shown if scenario.id in folded and not passed[scenario.id]])
    after += _changed(change or Change())
    after += [_next_step(step, scenarios, by_test, passed, submission)] if step else []
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


def _changed(change: Change) -> list[str]:
    """Return one paragraph for the tests that turned green since the last run, and one for the opposite."""
    named = (("green since the last run", change.gained, "pass"), ("no longer green", change.lost, "fail"))
    parts = []
    for words, tests, status in named:
        if tests:
            text = textwrap.fill(f"{words}: {', '.join(tests)}", terminal.width(), subsequent_indent="    ")
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


def _next_step(
    step: plan.Step,
    scenarios: Sequence[Scenario],
    by_test: dict[str, list[RunRecord]],
    passed: dict[str, bool],
    submission: str,
) -> str:
    def lacks(drill: str) -> str:
        return next((failures.part(run.message) for run in by_test[drill] if run.rule == "NotWritten"), "")

    stage = step.drills[0].partition("/")[0]
    again = f"make drills STAGE={stage}" if all(s.is_drill for s in scenarios) else f"make test-{stage}"
    return plan.render(step, passed, lacks, again + failures.chosen(submission))


def _summary(scenarios: Sequence[Scenario], by_test: dict[str, list[RunRecord]]) -> str:
    passed = [s for s in scenarios if by_test[s.id] and all(r.status == "pass" for r in by_test[s.id])]
    runs = [run for scenario in scenarios for run in by_test[scenario.id]]
    points, possible = sum(s.points for s in passed), sum(s.points for s in scenarios)
    virtual = sum(run.virtual_time for run in runs)
    words = (
        f"{len(passed)} of {len(scenarios)} tests passed every run, {points} of {possible} points; "
        f"{len(runs)} runs, {virtual:,.0f} s of virtual time"
    )
    return textwrap.fill(words, terminal.width())


def _worst(runs: Sequence[RunRecord]) -> str:
    order = ("grader-error", "error", "fail", "pass")
    if any(run.rule == "NotWritten" for run in runs) and all(run.rule in ("NotWritten", None) for run in runs):
        return "not written"
    return min((run.status for run in runs), key=order.index, default="not run")


def _mean(runs: Sequence[RunRecord], name: str) -> float:
    return fmean(getattr(run, name) for run in runs) if runs else 0.0
