"""The command line: `python -m labs --help`."""

import os
import subprocess
import sys


def start_again() -> int:
    """Run the same command with PYTHONHASHSEED=0, so that a set of strings has the same order in every run."""
    os.environ["PYTHONHASHSEED"] = "0"
    command = [sys.executable, *sys.orig_argv[1:]]
    if os.name == "nt":  # where exec does not wait
        return subprocess.call(command)
    os.execv(sys.executable, command)


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":
        sys.exit(start_again())
    from labs.cli import main

    sys.exit(main())
