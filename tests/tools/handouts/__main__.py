"""`python -m tests.tools.handouts --refresh` makes output, figures and rules page again; `--all` runs all commands."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from handouts.site.pages import HANDOUTS, Page, pages
from tests.tools.handouts import blocks, claims, figures, rules_page, scratch


def main() -> int:
    """Refresh the pages, or run everything that they show; return 0 if all is well."""
    parser = argparse.ArgumentParser(prog="python -m tests.tools.handouts", description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--refresh", action="store_true", help="write output, figures and the rules page again")
    what.add_argument("--all", action="store_true", help="run every command, slow ones too; change nothing")
    parser.add_argument("--only", default="", metavar="TEXT", help="only pages with this in their name")
    options = parser.parse_args()
    names = [page.name for page in blocks.pages_and_readme()]
    if not any(options.only in name for name in (*names, "rules", "figures")):
        parser.error(f"no page has {options.only!r} in its name: {', '.join(names)}")
    return refresh(options.only) if options.refresh else run_all(options.only)


def refresh(only: str) -> int:
    """Make again everything that can be made, and name what has changed."""
    made = {**figures.all_figures(), "rules.md": rules_page.text()} if only in ("", "rules", "figures") else {}
    for name, text in made.items():
        _write(HANDOUTS / name, text)
    for page in blocks.pages_and_readme():
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
    print(f"refreshed {path.resolve().relative_to(HANDOUTS.parent.resolve())}")


def run_all(only: str) -> int:
    """Run every command as printed: those with output must print it again, the others must be understood."""
    wrong: list[str] = []
    seen: set[str] = set()
    for page in pages():
        if only in page.name:
            wrong += run_page(page, seen)
    print("\n".join(wrong) or "every command runs as printed")
    return 1 if wrong else 0


def run_page(page: Page, seen: set[str]) -> list[str]:
    """Run the commands of a page but for those seen on another, which are added; return what is wrong with them."""
    wrong: list[str] = []
    shown = list(blocks.blocks(page))
    for block in shown:
        print(f"   {block.commands[0]}   and its output", flush=True)
        if block.is_stale(block.rerun()):
            wrong.append(f"{page.name}: the output of {block.commands} is another one now")
    is_instructors = page.name.startswith("instructor/")
    with scratch.lab("skeleton" if is_instructors else "reference") as folder:
        scratch.add_class(folder)
        for command in dict.fromkeys(filter(claims.can_run, claims.commands(page))):
            if command in seen or any(command in block.commands for block in shown):
                continue
            seen.add(command)
            code, output = scratch.run(command, folder)
            print(f"{code}  {command}", flush=True)
            if code not in claims.codes(command):
                wrong.append(f"{page.name}: {command} ends with {code}:\n{output[-600:]}")
    return wrong


if __name__ == "__main__":
    sys.exit(main())
