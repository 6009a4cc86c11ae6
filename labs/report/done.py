"""Finds what comes next where all that was run is green: the tests after the drills, more seeds, or the next stage.

Knows verdicts and the pages in handouts/, but neither servers nor traces.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from labs.raft.stages.catalogue import RAFT_STAGES, scenarios
from labs.report import plan
from labs.report.failures import MARGIN
from labs.testing.run import RunRecord
from labs.testing.scenario import Scenario

ENOUGH = 50
"""With how many seeds a stage has to be green before it counts as done."""


def render(chosen: Sequence[Scenario], by_test: Mapping[str, Sequence[RunRecord]], option: str) -> list[str]:
    """Return one paragraph with what is green and what comes next; [] if anything is red, or if a part was run only.

    `option` chooses the submission in the commands.
    """
    if not all(by_test[one.id] and all(run.status == "pass" for run in by_test[one.id]) for one in chosen):
        return []
    green = {scenario.id for scenario in chosen}
    stages = [stage for stage in RAFT_STAGES if any(scenario.stage == stage for scenario in chosen)]
    if not stages or not all(_ids(stage, "drills") <= green for stage in stages):
        return []
    if not all(_ids(stage, "test") <= green for stage in stages):
        is_only_drills = all(scenario.is_drill for scenario in chosen)
        return [_paragraph(stages, "all drills pass", f"{_command(stages)}{option}")] if is_only_drills else []
    if min(len(by_test[scenario.id]) for scenario in chosen if scenario.own_seed is None) < ENOUGH:
        what = f"all drills and tests pass; a stage is done when {ENOUGH} seeds of each do"
        return [_paragraph(stages, what, f"{_command(stages)} RUNS={ENOUGH}{option}")]
    return [_paragraph(stages, f"done: green with {ENOUGH} seeds or more", f"{_page(stages[-1])}make submit{option}")]


def _ids(stage: str, kind: str) -> set[str]:
    return {scenario.id for scenario in scenarios(stage, "drills" if kind == "drills" else "test")}


def _command(stages: Sequence[str]) -> str:
    if len(stages) == 1:
        return f"make test-{stages[0]}"
    return "make test" if len(stages) == len(RAFT_STAGES) else f'make test STAGE="{" ".join(stages)}"'


def _page(stage: str) -> str:
    """Return the page of the stage after one, or that on performance, with a comma after it; "" if it is not there."""
    following = RAFT_STAGES[RAFT_STAGES.index(stage) + 1 :]
    names = f"{following[0]}-*.md" if following else "performance.md"
    pages = [f"{plan.HANDOUTS.name}/{file.name}, " for file in sorted(plan.HANDOUTS.glob(names))]
    return pages[0] if pages else ""


def _paragraph(stages: Sequence[str], what: str, following: str) -> str:
    return f"{', '.join(stages)}: {what}\n{MARGIN}next    {following}"
