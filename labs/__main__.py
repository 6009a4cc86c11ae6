"""The command line: `python -m labs --help`."""

import sys

from labs.cli import main

if __name__ == "__main__":
    sys.exit(main())
