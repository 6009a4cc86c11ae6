"""The commands of the grader. Each lives in a module of its own, which adds its options and returns an exit code.

Exit codes: 0 graded with full points, 1 graded with less, 2 wrong usage, 3 an error of the grader itself (what it could
not judge is held for review), 4 not gradable, 5 the sandbox level that was asked for is not to be had here, 130
interrupted.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import NamedTuple

from grader.exits import INTERRUPTED, NO_SANDBOX, OUR_ERROR, USAGE, NoSandbox, Usage
from grader.intake import Failed
from grader.lacks import describe, is_a_lack
from labs.report.streams import take_every_character


class Command(NamedTuple):
    """What one types, the module that does it (`add_options(parser)`, `run(options) -> int`), and what it is for."""

    name: str
    module: str
    help: str


COMMANDS = (
    Command("grade", "grader.grade", "grade submissions, and write results"),
    Command("repeat", "grader.repeat", "repeat one run of a submission, as for a run that was held for review"),
    Command("seeds", "grader.seeds", "print the secret seeds of a submission, to publish them"),
    Command("viva", "grader.viva.command", "print five exam questions from a submission's own run, with answers"),
    Command("canvas", "grader.exports.canvas", "fill points into a gradebook that Canvas exported"),
    Command("gradescope", "grader.deploy.gradescope_zip", "build the autograder zip for Gradescope"),
    Command("schema", "grader.result", "print the JSON Schema of result.json"),
    Command("release", "grader.release.command", "build what students get, and refuse if anything leaks"),
    Command("leaderboard", "grader.leaderboard", "merge performance records into a class's leaderboard"),
    Command("doctor", "grader.sandbox.doctor", "say which sandbox levels work here, and how to get a better one"),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code."""
    take_every_character()
    options = _parser().parse_args(argv)
    try:
        run: Callable[[argparse.Namespace], int] = options.run
        return run(options)
    except Usage as error:
        print(f"grader {options.command}: {error}", file=sys.stderr)
        return USAGE
    except NoSandbox as error:
        print(f"grader {options.command}: {error}", file=sys.stderr)
        return NO_SANDBOX
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        return INTERRUPTED
    except Failed as error:
        print(f"grader {options.command}: cannot take the submission in: {error}", file=sys.stderr)
        return OUR_ERROR
    except Exception as error:
        if isinstance(error, OSError) and is_a_lack(error):
            print(f"grader {options.command}: {describe(error)}. No submission is at fault", file=sys.stderr)
            return OUR_ERROR
        traceback.print_exc()
        print("grader: this is an error of the grader, not of a submission", file=sys.stderr)
        return OUR_ERROR


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m grader",
        description="Grade submissions of the Raft lab.",
        epilog=(__doc__ or "").partition("\n\n")[2],
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in COMMANDS:
        module = importlib.import_module(command.module)
        sub = commands.add_parser(command.name, help=command.help, description=module.__doc__)
        module.add_options(sub)
        sub.set_defaults(run=module.run)
    return parser
