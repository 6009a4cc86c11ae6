"""`python -m tests.handouts --refresh` makes output, figures and the rules page anew; `--all` runs all commands."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from handouts.site.pages import HANDOUTS, pages
from tests.handouts import blocks, claims, figures, rules_page, scratch


def main() -> int:
    """Refresh the pages, or run everything that they show; return 0 if all is well."""
    parser = argparse.ArgumentParser(prog="python -m tests.handouts", description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--refresh", action="store_true", help="write output, figures and the rules page anew")
    what.add_argument("--all", action="store_true", help="run every command, slow ones too; change nothing")
    parser.add_argument("--only", default="", metavar="TEXT", help="only pages with this in their name")
    options = parser.parse_args()
    return refresh(options.only) if options.refresh else run_all(options.only)


def refresh(only: str) -> int:
    """Write anew what can be made anew, and name what has changed."""
    made = {**figures.all_figures(), "rules.md": rules_page.text()} if only in ("", "rules", "figures") else {}
    for name, text in made.items():
        _write(HANDOUTS / name, text)
    for page in pages():
        if only in page.name:
            _write(HANDOUTS / page.name, blocks.refreshed(page))
    return 0


def _write(path: Path, text: str) -> None:
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
    print(f"refreshed {path.relative_to(HANDOUTS.parent)}")


def run_all(only: str) -> int:
    """Run every command as printed: those with output must print it again, the others must be understood."""
    wrong: list[str] = []
    for page in pages():
        if only not in page.name:
            continue
        shown = list(blocks.blocks(page))
        for block in shown:
            if block.is_stale(block.rerun()):
                wrong.append(f"{page.name}: the output of {block.commands} is another one now")
        rest = set(claims.commands(page)) - {command for block in shown for command in block.commands}
        with scratch.lab("reference") as folder:
            for command in sorted(filter(claims.can_run, rest)):
                code, output = scratch.run(command, folder)
                print(f"{code}  {command}", flush=True)
                if code not in claims.codes(command):
                    wrong.append(f"{page.name}: {command} ends with {code}:\n{output[-600:]}")
    print("\n".join(wrong) or "every command runs as printed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
