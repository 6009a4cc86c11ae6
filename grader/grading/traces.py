"""Makes the pages of failing runs, to hand back with a student's report: the run is repeated, and its trace drawn; then
it is made small, and drawn once more.

Only runs that the student may repeat: public seeds of tests whose details the rubric shows. A page that is there is not
made again. How small a run gets within its CPU time depends on the machine, but it always breaks the same rule.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from grader import scratch
from grader.execution import runners
from grader.execution.hosts import Hosts
from grader.execution.runs import limits_of
from grader.execution.traced import Traced, TracedJob, TracedRuns
from grader.intake.taken import Taken
from grader.results.causes import causes_of
from grader.results.exports.text_file import write_text
from grader.results.pages.traces import page_of, schedule_of, shortest, small_page_of, stem
from grader.results.result import Result, Run, Test
from grader.results.student_view import student_view
from labs.engine import engine
from labs.raft.rules import RULES
from labs.report.page.write import write_page


def wanted(folder: Path, result: Result, most: int) -> list[tuple[Test, Run]]:
    """Return failures of a result, at most this many, whose pages students may have and that have none; each with its
    shortest run. One for each cause comes first, then the others."""
    causes = causes_of([test for test in student_view(result).tests if test.status in ("fail", "error")])
    failed = [*(cause.shown for cause in causes), *(test for cause in causes for test in cause.others)]
    repeatable = [test for test in failed if test.replay.startswith("make replay")]
    found = [(test, run) for test in repeatable if (run := shortest(test)) is not None]
    return [(test, run) for test, run in found[:most] if not page_of(folder, stem(test, run)).exists()]


def make_traces(
    taken: Taken, hosts: Hosts, failures: Sequence[tuple[Test, Run]], folder: Path, cpu_seconds: float
) -> int:
    """Repeat these runs of a submission, and write their pages into a student's folder; return how many were made.

    `cpu_seconds` is what making each of them small may take, 0 for not at all. A run whose verdict is not that of the
    result is left out: the lab has changed since.
    """
    made = 0
    with scratch.folder() as place:
        jobs = {
            TracedJob(test.id, run.seed or 0, _file(place, test, ""), _file(place, test, "-small"), cpu_seconds): (
                test,
                stem(test, run),
            )
            for test, run in failures
        }
        backend = runners.local(min(len(jobs), os.cpu_count() or 1))
        for job, traced in engine.run(TracedRuns(taken.folder, hosts), jobs, backend, limits_of(hosts)):
            test, name = jobs[job]
            if traced.record.rule == test.rule and Path(job.trace).exists():
                _write(folder, name, job, traced)
                made += 1
    return made


def _file(place: str, test: Test, kind: str) -> str:
    return str(Path(place, f"{test.id.replace('/', '-')}{kind}.trace.jsonl"))


def _write(folder: Path, name: str, job: TracedJob, traced: Traced) -> None:
    """Write the pages of a run; that of the whole run last, because it shows that all are there."""
    if traced.small is not None and Path(job.small).exists():
        write_text(schedule_of(folder, name), traced.small.schedule)
        write_page(small_page_of(folder, name), Path(job.small), RULES, traced.small.record, folder.name)
    write_page(page_of(folder, name), Path(job.trace), RULES, traced.record, folder.name)
