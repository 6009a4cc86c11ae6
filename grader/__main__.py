"""The command line of the grader: `python -m grader --help`."""

import os
import sys

from labs.__main__ import end_as_by_hand, start_again

if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":
        sys.exit(start_again())
    from grader.cli import main

    end_as_by_hand()
    sys.exit(main())
