"""A made-up class: results as the grader makes them, by the course's own rubric, without running anything."""

from __future__ import annotations

import functools
import random

from grader.execution.hosts import Hosts
from grader.grading import scoring
from grader.grading.rubric import Item, Rubric, load
from grader.results.held import held_run
from grader.results.result import Basis, Person, Result, Run, Sandbox, Submission, Test
from labs.checking.outcome import Outcome
from labs.testing.run import empty_record

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\u202e=1+1"
"""Stands where a student or a submission can write."""
TINY = """\
format = "raft-rubric/1"
title = "tiny"
[seeds]
public = [1]
secret = 1
[stages.2A]
title = "election"
[[tests]]
select = "2A/drill_first_vote"
[[tests]]
select = "2A/initial_election"
"""
"""A rubric of two tests, for gradings of a few seconds."""
BUGS = {
    "stale vote": ("OneVotePerTerm", "2A", 5),
    "commits old terms": ("CommitOnlyCurrentTerm", "2B", 3),
    "forgets to save": ("SavedBeforeReply", "2C", 2),
    "loses snapshots": ("SnapshotIsTheServices", "2D", 2),
    "slow elections": ("LeaderInTime", "2A", 7),
}
"""A bug's rule, the first stage that it shows in, and one of how many tests it fails."""

KINDS = ("stale vote", "full", "full", "skeleton", "refused", "held", *BUGS, *BUGS, *BUGS)


@functools.cache
def course_rubric() -> Rubric:
    return load()


def made_up(count: int) -> list[Result]:
    """Return a class of this many: most with one bug, some whole, skeletons, refused, held; the first has a hostile
    name."""
    found = []
    for number in range(count):
        chance = random.Random(number)
        kind = KINDS[number % len(KINDS)]
        name = HOSTILE if number == 0 else f"student-{number:03}"
        found.append(_result(name, number, kind, chance))
    return found


def _result(name: str, number: int, kind: str, chance: random.Random) -> Result:
    person = Person(str(1000 + number), f"Student {number}", f"s{number}@example.org")
    submission = Submission(name, f"{number // 2 if kind == 'skeleton' else number:064x}", ["raft.py"], people=[person])
    submission.source, submission.student = f"/home/prof/hand-ins/{number}.zip", name
    rubric = course_rubric()
    basis = Basis(rubric.title, rubric.sha256, "ab" * 32, "cd" * 8)
    found = Result("graded", submission, basis, Sandbox("process", "A0"), finished_at="2026-06-01T14:32:01Z")
    found.duration = round(120 + 60 * chance.random(), 1)
    if kind == "refused":
        found.status, found.message = "not-gradable", f"raft.py:7 is not valid Python: {HOSTILE}"
        found.max_score = round(sum(item.points for item in rubric.items), 2)
        return found
    for stage in rubric.stages:
        why_not = scoring.is_built_on(stage, found.stages)
        tests = [
            scoring.left_out(item, "skip", why_not) if why_not else _test(item, kind, position, chance, found)
            for position, item in enumerate(stage.items)
        ]
        found.tests += tests
        found.stages.append(scoring.sum_stage(stage, tests, why_not))
    scoring.sum_up(found)
    return found


def _test(item: Item, kind: str, position: int, chance: random.Random, result: Result) -> Test:
    seeds = [(seed, False) for seed in item.public] + [(1_000_000 + number, True) for number in range(item.secret)]
    runs = [_run(item, kind, position, seed, secret, chance) for seed, secret in seeds]
    for run in runs:
        if run.status == "held":
            record = empty_record(item.scenario, run.seed or 0, Outcome("grader-error", None, run.message))
            hosts = Hosts("process", "A0")
            result.held.append(held_run(record, run.secret, result.submission.source, hosts, None))
    test = scoring.judge_runs(item, len(seeds), runs, {seed: "which rule?" for seed, _ in seeds}, "")
    return test


def _run(item: Item, kind: str, position: int, seed: int, secret: bool, chance: random.Random) -> Run:
    run = Run(seed, secret, "pass", virtual_time=5.0, wall_time=round(0.2 + chance.random(), 3))
    if kind == "skeleton":
        run.status, run.rule, run.message = "fail", scoring.NOT_WRITTEN, "not written yet: get_state (raft.py:85)"
    elif kind == "held" and item.scenario.id == "2B/chaos" and seed == 2:
        run.status, run.message = "held", "no space left on the device"
    elif kind in BUGS:
        rule, stage, every = BUGS[kind]
        shows = item.scenario.stage >= stage and position % every == 1 and item.scenario.id not in _basis()
        if shows and (position % 2 or seed % 2):
            run.status, run.rule = "fail", rule
            run.message = f"server 2 of term 7 broke it, raft.py:{80 + position}; server 1 knows better {HOSTILE}"
    return run


@functools.cache
def _basis() -> frozenset[str]:
    return frozenset(test for stage in course_rubric().stages for test in stage.basis)
