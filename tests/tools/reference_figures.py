"""Writes the reference's performance figures into labs/raft/stages/performance.json: `make reference-figures`."""

from __future__ import annotations

import argparse
import sys

import msgspec

from labs.bench import cpu
from labs.raft.stages import catalogue
from labs.raft.stages.performance import FIGURES, Committed, figures_of
from labs.sim.loader.program import Program
from labs.testing.run import run_scenario
from tests.running import REFERENCE

SEEDS = range(1, 6)


def measured(seeds: range = SEEDS) -> dict[int, dict[str, float]]:
    """Return what the reference reaches with each seed."""
    program = Program(REFERENCE)
    return figures_of(run_scenario(s, program, seed) for seed in seeds for s in catalogue.scenarios(kind="perf"))


def main() -> int:
    """Measure, and write the file."""
    argparse.ArgumentParser(prog="python -m tests.tools.reference_figures", description=__doc__).parse_args()
    found = Committed(measured(), round(cpu.ratio(REFERENCE), 2))
    FIGURES.write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=1) + b"\n")
    print(f"wrote {FIGURES}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
