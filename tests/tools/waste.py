"""Measures wasteful servers in all performance tests: each must lose where it wastes, and nowhere else.

`python -m tests.tools.waste [--only TEXT]`. `make check` measures each only in the stages whose metrics it loses, and
leaves out those that take long there (SLOW).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from labs.bench import cpu
from labs.raft.stages import catalogue, performance
from labs.raft.stages.performance import BY_ID, CPU, Tier
from labs.testing.run import run_scenario
from tests.corpora.mutants.performance import WASTEFUL, Wasteful

PASSED: tuple[Tier, ...] = ("full", "bonus")
SLOW = ("copies_its_log", "hundred_heartbeats")
"""Servers that take more than ten seconds of CPU time, and each of whose metrics a quicker one loses, too."""


def main() -> int:
    """Measure all; print what is not as it should be, and return 1 if anything is not."""
    parser = argparse.ArgumentParser(prog="python -m tests.tools.waste", description=__doc__)
    parser.add_argument("--only", default="", metavar="TEXT", help="only servers whose names hold a text")
    options = parser.parse_args()
    chosen = [server for server in WASTEFUL if options.only in server.name]
    bad = 0
    for server in chosen:
        problems = [*waste_problems(server, catalogue.RAFT_STAGES), *broken_rules(server)]
        print(f"{server.name:32} {'; '.join(problems) or 'ok'}", flush=True)
        bad += bool(problems)
    print(f"{len(chosen)} wasteful servers, {bad} with problems")
    return 1 if bad or not chosen else 0


def stages_of(server: Wasteful) -> list[str]:
    """Return the stages whose metrics a server loses."""
    return sorted({BY_ID[metric].stage for metric in server.loses})


def waste_problems(server: Wasteful, stages: Sequence[str]) -> Iterator[str]:
    """Yield where a server loses what it should not, or does not lose what it should, in the tests of some stages."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "raft.py")
        path.write_text(server.text(), encoding="utf-8")
        found = performance.measure(path.parent, [1], stages=stages)
        for one in found:
            if one.value is None and not (server.breaks and server.breaks in one.message):
                yield f"{one.metric} was not measured: {one.message}"
        lost = {one.metric: one.tier for one in found if one.tier not in PASSED}
        wanted = {metric: tier for metric, tier in server.loses.items() if metric != CPU}
        if lost != wanted:
            yield f"it loses {lost}, not {wanted}"
        if server.loses == {CPU: "partial"}:
            ratio = cpu.ratio(path.parent, repeats=3)
            if BY_ID[CPU].tier(ratio, performance.committed().cpu) in PASSED:
                yield f"its CPU time is {ratio:.2f} times the yardstick's"


def broken_rules(server: Wasteful) -> Iterator[str]:
    """Yield the rule that a server breaks in the test with most faults, if it is not the one that its waste breaks."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "raft.py").write_text(server.text(), encoding="utf-8")
        for scenario in catalogue.find("2D/chaos"):
            record = run_scenario(scenario, Path(folder), 1)
            if record.status != "pass" and record.rule != server.breaks:
                yield record.message


if __name__ == "__main__":
    sys.exit(main())
