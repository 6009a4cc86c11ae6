"""Makes the pages of failing runs, to hand back with a student's report: the run is repeated, and its trace drawn.

Only runs that the student may repeat: public seeds of tests whose details the rubric shows. The same seed gives the
same trace, so a page that is there is not made again.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from grader.execution import runners
from grader.execution.hosts import Hosts
from grader.execution.runners import Runners
from grader.execution.runs import Job
from grader.intake.taken import Taken
from grader.results.pages.write import TRACES, trace_name
from grader.results.result import Result, Test
from grader.results.student_view import student_view
from labs.raft.rules import RULES
from labs.report.page.write import write_page


def wanted(folder: Path, result: Result, most: int) -> list[Test]:
    """Return the first failures of a result, at most this many, whose pages students may have and that have none."""
    failed = [test for test in student_view(result).tests if test.status in ("fail", "error") and test.failing_seeds]
    shown = [test for test in failed if test.replay.startswith("make replay")]
    return [test for test in shown[:most] if not (folder / TRACES / trace_name(test)).exists()]


async def make_traces(taken: Taken, hosts: Hosts, tests: Sequence[Test], folder: Path) -> int:
    """Repeat these runs of a submission, and write their pages into a student's folder; return how many were made.

    A run whose verdict is not that of the result is left out: the lab has changed since.
    """
    (folder / TRACES).mkdir(parents=True, exist_ok=True)
    made = 0
    with tempfile.TemporaryDirectory() as place, runners.local(1) as backend:
        async with Runners.open(taken.folder, hosts, backend, 1) as own:
            for test in tests:
                trace = Path(place, "run.trace.jsonl")
                record = await own.run(Job(test.id, test.failing_seeds[0], trace=str(trace)))
                if record.rule == test.rule and trace.exists():
                    write_page(folder / TRACES / trace_name(test), trace, RULES, record)
                    made += 1
    return made
