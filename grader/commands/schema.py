"""Print the JSON Schema of result.json, or write it where it is kept."""

from __future__ import annotations

import argparse

import msgspec

from grader.exits import FULL_POINTS
from grader.results.result import SCHEMA_FILE, schema


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--write", action="store_true", help=f"write it to {SCHEMA_FILE.name} in grader/results/")


def run(options: argparse.Namespace) -> int:
    """Print the JSON Schema of result.json, or write it where it is kept."""
    text = msgspec.json.format(msgspec.json.encode(schema()), indent=1).decode()
    if options.write:
        SCHEMA_FILE.write_text(text + "\n", encoding="utf-8")
    else:
        print(text)
    return FULL_POINTS
