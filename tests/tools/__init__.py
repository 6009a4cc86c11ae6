"""Commands for those who work on the lab: `python -m tests.tools.NAME --help`."""
