"""The command line of the grader: `.venv/bin/python -m grader --help`."""

import os
import sys
from importlib.util import find_spec

from labs.__main__ import end_as_by_hand, start_again

NEEDED = ("msgspec", "tabulate", "tomllib", "trio")


def require_packages() -> None:
    """End with exit code 2 and the right command if this Python lacks what the grader imports."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        print(
            f"grader: this Python, {sys.executable}, has no {', '.join(missing)}. Type .venv/bin/python -m grader "
            "in the lab's folder; make setup makes .venv",
            file=sys.stderr,
        )
        sys.exit(2)


if __name__ == "__main__":
    require_packages()
    if os.environ.get("PYTHONHASHSEED") != "0":
        sys.exit(start_again())
    from grader.cli import main

    end_as_by_hand()
    sys.exit(main())
