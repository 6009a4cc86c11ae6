"""The command line of the grader. Each command has a module of its own (grader.commands), imported only when it is
used.

Exit codes: 0 graded with full points, 1 graded with less, 2 wrong usage, 3 an error of the grader itself (runs that it
could not grade are held for review), 4 not gradable, 5 the requested sandbox level is unavailable, 130 interrupted.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import traceback
from collections.abc import Callable, Sequence

from grader.exits import INTERRUPTED, NO_SANDBOX, OUR_ERROR, USAGE, IntakeFailed, NoSandbox, Usage
from grader.lacks import describe, is_a_lack
from labs.engine.unavailable import Unavailable
from labs.report.streams import take_every_character

COMMANDS = {
    "grade": "grade submissions, and write results",
    "class": "grade a class: a folder of submissions, or a platform's download; goes on after it was killed",
    "rescore": "score stored runs by a changed rubric, without running anything",
    "repeat": "repeat one run of a submission, as for a run that was held for review",
    "seeds": "print the secret seeds of a submission, to publish them",
    "secret": "show, export or import the course secret, so that several machines draw the same seeds",
    "viva": "print five exam questions from a submission's own run, with answers",
    "canvas": "fill points into a gradebook that Canvas exported",
    "moodle": "fill points into a grading worksheet that Moodle exported",
    "page": "write the pages of a class: class.html, and report.html for each student",
    "table": "write the results of a class as CSV or JSON lines, for other programs",
    "similarity": "lay out the code of a class for JPlag and Dolos",
    "gradescope": "build the autograder zip for Gradescope",
    "schema": "print the JSON Schema of result.json",
    "release": "build what students get, and refuse if anything leaks",
    "leaderboard": "merge performance records into a class's leaderboard",
    "doctor": "show which sandbox levels work here, and how to get a better one",
}
"""What each command is for. The module grader.commands.NAME does it: `add_options(parser)`, `run(options) -> int`."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code."""
    take_every_character()
    options = parse(sys.argv[1:] if argv is None else argv)
    try:
        run: Callable[[argparse.Namespace], int] = options.run
        return run(options)
    except Usage as error:
        print(f"grader {options.command}: {error}", file=sys.stderr)
        return USAGE
    except NoSandbox as error:
        print(f"grader {options.command}: {error}", file=sys.stderr)
        return NO_SANDBOX
    except Unavailable as error:
        print(f"grader {options.command}: {error}", file=sys.stderr)
        print("No submission is at fault; the results so far are kept, and the same command goes on", file=sys.stderr)
        return OUR_ERROR
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        return INTERRUPTED
    except IntakeFailed as error:
        print(f"grader {options.command}: cannot take the submission in: {error}", file=sys.stderr)
        return OUR_ERROR
    except Exception as error:
        if isinstance(error, OSError) and is_a_lack(error):
            print(f"grader {options.command}: {describe(error)}. No submission is at fault", file=sys.stderr)
            return OUR_ERROR
        traceback.print_exc()
        print("grader: this is an error of the grader, not of a submission", file=sys.stderr)
        return OUR_ERROR


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the arguments. Only the command that they name, the first word, is imported."""
    asked_for = arguments[0] if arguments else ""
    parser = argparse.ArgumentParser(
        prog=".venv/bin/python -m grader",
        description="Grade submissions of the Raft lab.",
        epilog=(__doc__ or "").partition("\n\n")[2],
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, words in COMMANDS.items():
        if name == asked_for:
            module = importlib.import_module(f"grader.commands.{name}")
            command = commands.add_parser(name, help=words, description=module.__doc__)
            module.add_options(command)
            command.set_defaults(run=module.run)
        else:
            commands.add_parser(name, help=words)
    return parser.parse_args(arguments)
