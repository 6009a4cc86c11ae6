"""Measures wasteful servers in all performance tests: each must lose where it wastes, and nowhere else; and unusual
servers, each of which must get something for everything, but for what is known of it.

`python -m tests.tools.waste [--only TEXT]`. `make check` measures each only in the stages whose metrics it loses,
leaves out those that take long there (SLOW), and takes a few of the other unusual ones.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from labs.bench import cpu
from labs.raft.stages import catalogue, performance
from labs.raft.stages.performance import BY_ID, CPU, Tier
from labs.testing.run import run_scenario
from tests.corpora import variants
from tests.corpora.mutants.performance import WASTEFUL, Wasteful

NONE_OF = {
    "a_class_for_each_role": {"rpcs_per_command"},
    "backup_one_at_a_time": {"catch_up"},
    "chunks": {"snapshot_bytes"},
    "every_queue_at_its_limit": {"latency"},
    "fields_everywhere": {"saved_bytes"},
    "go_style": {"catch_up"},
    "longest_timeouts_with_trials": {"recovery"},
    "partial_acceptance": {"bytes_per_command", "latency_99"},
    "poll_loop": {"catch_up"},
    "queues_of_45_ms": {"latency"},
    "redpanda_like": {"steady"},
    "roles_and_full_heartbeats": {"rpcs_per_command"},
    "saves_when_a_promise_leaves": {"recovery"},
}
"""Where unusual servers get nothing: backing up by one is what `catch_up` is about, pieces of twelve bytes are mostly
head, and who takes three entries of each message has the others sent to it again. Queues cost latency, long timeouts
recovery, large fields saved bytes, and the servers with a class for each role send much for a command. redpanda_like
sends a batch again for every answer that a peer gives while it lags: too much where messages get lost."""
PASSED: tuple[Tier, ...] = ("full", "bonus")
SLOW = ("copies_its_log", "hundred_heartbeats", "polls", "go_style", "poll_loop")
"""Servers that take more than six seconds of CPU time, and each of whose metrics a quicker one loses, too."""


def main() -> int:
    """Measure all; print what is not as it should be, and return 1 if anything is not."""
    parser = argparse.ArgumentParser(prog="python -m tests.tools.waste", description=__doc__)
    parser.add_argument("--only", default="", metavar="TEXT", help="only servers whose names hold a text")
    options = parser.parse_args()
    wasteful = [server for server in WASTEFUL if options.only in server.name]
    unusual = [variant for variant in variants.corpus() if options.only in variant.name]
    bad = 0
    for server in wasteful:
        bad += _shown(server.name, [*waste_problems(server, catalogue.RAFT_STAGES), *broken_rules(server)])
    for variant in unusual:
        bad += _shown(variant.name, unusual_problems(variant, variant.stages))
    print(f"{len(wasteful)} wasteful and {len(unusual)} unusual servers, {bad} with problems")
    return 1 if bad or not (wasteful or unusual) else 0


def _shown(name: str, problems: Iterable[str]) -> bool:
    found = list(problems)
    print(f"{name:32} {'; '.join(found) or 'ok'}", flush=True)
    return bool(found)


def unusual_problems(variant: variants.Variant, stages: Sequence[str]) -> Iterator[str]:
    """Yield where an unusual server gets nothing in some stages though it should, or something though it should not."""
    with tempfile.TemporaryDirectory() as folder:
        found = performance.measure(variant.write(Path(folder)), [1], stages=stages)
    nothing = {one.metric: one.message for one in found if one.tier == "none"}
    wanted = {metric for metric in NONE_OF.get(variant.name, ()) if BY_ID[metric].stage in stages}
    if set(nothing) != wanted:
        yield f"it gets nothing for {nothing}, not {sorted(wanted)}"


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
