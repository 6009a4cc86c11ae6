"""Tries many cases: `python -m tests.tools.fuzz [--cases 100000] [--seed 1] [--babblers 20]`.

The same seed, the same cases.

Prints the smallest case that shows each fault; exit code 1 if there was one. `--case HEX` tries one again. Each babbler
is a server that sends anything nearly right, in all tests and drills.
"""

from __future__ import annotations

import argparse
import sys
import time

from hypothesis import HealthCheck, given, seed, settings

from tests.tools.fuzz.babbling import babble, fault_in, scenarios
from tests.tools.fuzz.trying import DATA, Tried, try_case

AT_ONCE = 1000


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.tools.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000, help="how many (100000)")
    parser.add_argument("--babblers", type=int, default=20, help="how many babbling servers (20)")
    parser.add_argument("--seed", type=int, default=1, help="from where on (1)")
    parser.add_argument("--case", metavar="HEX", help="this one only")
    options = parser.parse_args()
    if options.case:
        print(try_case(bytes.fromhex(options.case)))
        return 0
    tried, begun = Tried(), time.monotonic()
    for part in range(0, options.cases, AT_ONCE):
        try:
            _try(options.seed * 1_000_000 + part, min(AT_ONCE, options.cases - part), tried)
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            print(f"{error}\n{''.join(getattr(error, '__notes__', []))}", flush=True)
            tried.faults += 1
        print(f"{tried}; {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
    faults = [fault for number in range(options.babblers) for fault in _faults_of_babbler(options.seed + number)]
    print("\n".join([*faults, f"{tried}; {options.babblers} babblers, {len(faults)} faults"]))
    return 1 if tried.faults or faults else 0


def _faults_of_babbler(number: int) -> list[str]:
    return [fault for record in babble(scenarios(), number) if (fault := fault_in(record))]


def _try(number: int, cases: int, tried: Tried) -> None:
    @settings(
        max_examples=cases, deadline=None, database=None, suppress_health_check=list(HealthCheck), derandomize=False
    )
    @seed(number)
    @given(DATA)
    def test(data: bytes) -> None:
        tried.add(try_case(data))

    test()


if __name__ == "__main__":
    sys.exit(main())
