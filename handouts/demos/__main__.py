"""The command line of the demonstrations."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from handouts.demos import byzantine, stale_read
from handouts.demos.stage import NotReady
from labs.report.streams import take_every_character
from labs.sim.loader.program import BadSubmission

DEMOS = {"byzantine": byzantine.show, "stale-read": stale_read.show}


def main() -> int:
    """Show one demonstration; return 0, 1 if the submission is not ready for it, 2 for wrong usage."""
    take_every_character()
    parser = argparse.ArgumentParser(prog="python -m handouts.demos", description=__doc__)
    parser.add_argument("demo", choices=DEMOS)
    parser.add_argument("--submission", type=Path, metavar="PATH", help="folder with raft.py, or one file")
    options = parser.parse_args()
    submission = options.submission or Path("reference" if Path("reference").is_dir() else "skeleton")
    try:
        return DEMOS[options.demo](submission)
    except NotReady as error:
        print(f"demo-{options.demo}: {error}\nGive another one with SUBMISSION=folder", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"demo-{options.demo}: cannot write {error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    except BadSubmission as error:
        print(f"demo-{options.demo}: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
