"""The long campaigns, of which `make check` runs a cut: `python -m tests.tools.nightly [NAME ...]`; `make nightly`.

Each is a command of its own that shows how far it is; here they run one after the other, and a table at the end shows
how each ended. `--quick` tries each with little, to see that it runs. Exit code 1 if one of them found something.
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass

from tabulate import tabulate


@dataclass(frozen=True)
class Campaign:
    """One long command, and the same with little to do."""

    name: str
    about: str
    command: str
    quick: str


CAMPAIGNS = (
    Campaign(
        "mutants",
        "every known-wrong server, with five seeds: each must fail",
        "tests.tools.mutation --no-variants --seeds 5",
        "tests.tools.mutation --no-variants --seeds 1 --every 60",
    ),
    Campaign(
        "variants",
        "every unusual server, and twenty drawn ones, in all tests and drills of its stages: none may fail",
        "tests.tools.mutation --no-mutants --variant-runs 5 --drawn 20",
        "tests.tools.mutation --no-mutants --variant-runs 1 --only modest_leader",
    ),
    Campaign(
        "parity",
        "the reference in all tests and drills, inline and in processes: all must be the same",
        "tests.tools.parity --seeds 20",
        "tests.tools.parity --seeds 1 --every 20",
    ),
    Campaign(
        "parity-of-others",
        "unusual and known-wrong servers, inline and in processes: all must be the same",
        "tests.tools.parity --submission '' --variants --mutants 10 --seeds 3 --every 3",
        "tests.tools.parity --submission '' --variants --only modest_leader --seeds 1 --every 20",
    ),
    Campaign(
        "waste",
        "every wasteful and unusual server in all performance tests: each must lose where it should, and nowhere else",
        "tests.tools.waste",
        "tests.tools.waste --only slow_elections",
    ),
    Campaign(
        "checkers",
        "each condition of the checkers changed: the share that no event-level case notices may not grow",
        "tests.tools.judge_mutation --most 60",
        "tests.tools.judge_mutation --only log_bases --every 9",
    ),
    Campaign(
        "class-killed",
        "a made-up class of 60, graded twice; a grader that is killed every 20 s must have the same results",
        "tests.tools.demo_class --kill-every 20 --out out/class-killed",
        "tests.tools.demo_class --kill-every 9 --out out/class-killed --count 3 --only 2A/drill_first --runs 1",
    ),
    Campaign(
        "attacks",
        "every attack at every level of the sandbox that works here: none may gain or leave anything",
        "tests.tools.attacks --levels all",
        "tests.tools.attacks --only ^forge_a",
    ),
    Campaign(
        "attacks-graded",
        "the quick attacks by the grader's own command: none may gain or leave anything",
        "tests.tools.attacks --graded",
        "tests.tools.attacks --graded --only ^inject_m",
    ),
    Campaign(
        "fuzz",
        "100,000 cases of servers' outputs, and babbling servers in all tests: the lab may not stumble",
        "tests.tools.fuzz --cases 100000",
        "tests.tools.fuzz --cases 300 --babblers 0",
    ),
    Campaign(
        "explore",
        "every known-wrong server, found by the explorer alone: at least 80 % of them",
        "tests.tools.explore_corpus",
        "tests.tools.explore_corpus --sample 4 --seconds 5 --share 0",
    ),
    Campaign(
        "explore-variants",
        "every unusual server, explored: nothing may be found",
        "tests.tools.explore_corpus --variants --seconds 60",
        "tests.tools.explore_corpus --variants --seconds 2 --only modest_leader",
    ),
    Campaign(
        "orders",
        "known-wrong servers of 2A and 2B, every order in the small: at least 40 % of them must fail",
        "tests.tools.explore_corpus --exhaustive --stages 2A,2B --sample 60 --seconds 60 --share 0.4",
        "tests.tools.explore_corpus --exhaustive --stages 2A,2B --sample 3 --seconds 5 --share 0",
    ),
    Campaign(
        "orders-variants",
        "every unusual server, every order in the small: nothing may be found",
        "tests.tools.explore_corpus --exhaustive --variants --seconds 60",
        "tests.tools.explore_corpus --exhaustive --variants --seconds 3 --only modest_leader",
    ),
    Campaign(
        "handouts",
        "every command of the handouts, slow ones too: each must print what its page says",
        "tests.tools.handouts --all",
        "tests.tools.handouts --all --only api",
    ),
)


def main() -> int:
    """Run campaigns; return 0 if none of them found anything."""
    options = _options()
    chosen = [one for one in CAMPAIGNS if one.name in options.names] if options.names else list(CAMPAIGNS)
    return run(chosen, quick=options.quick)


def _options() -> argparse.Namespace:
    names = [campaign.name for campaign in CAMPAIGNS]
    listed = "\n".join(f"  {campaign.name:18}{campaign.about}" for campaign in CAMPAIGNS)
    parser = argparse.ArgumentParser(
        prog="python -m tests.tools.nightly",
        description=(__doc__ or "").partition("\n")[0],
        epilog=f"campaigns:\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these campaigns (all)")
    parser.add_argument("--quick", action="store_true", help="with little to do, to see that each runs")
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in names]
    if unknown:
        parser.error(f"there is no campaign {unknown[0]!r}; campaigns are {', '.join(names)}")
    return options


def run(campaigns: Iterable[Campaign], quick: bool) -> int:
    """Run campaigns one after the other, each to its end; return 1 if one failed, and 130 after Ctrl-C."""
    rows: list[tuple[str, str, str, str]] = []
    try:
        for campaign in campaigns:
            command = campaign.quick if quick else campaign.command
            print(f"\n{campaign.name}: {campaign.about}\n  python -m {command}", flush=True)
            begun = time.monotonic()
            code = subprocess.run(
                [sys.executable, "-m", *shlex.split(command)], env={**os.environ, "PYTHONHASHSEED": "0"}
            ).returncode
            ended = "passed" if code == 0 else f"FAILED with exit code {code}"
            rows.append((campaign.name, ended, f"{(time.monotonic() - begun) / 60:.1f}", f"python -m {command}"))
    except KeyboardInterrupt:
        print("\nnightly: stopped before the end", file=sys.stderr)
        return 130
    finally:
        print("\n" + tabulate(rows, headers=("campaign", "ended", "minutes", "again with"), tablefmt="simple"))
    return 0 if all(ended == "passed" for _, ended, _, _ in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
