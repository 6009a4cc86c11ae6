"""Writes the page of a run: the trace's own lines, deflated, in a page that needs nothing else.

The browser reads the lines; so a page costs little more than compressing them, and shows exactly the trace. No text of
a submission becomes markup. Knows nothing of how events are drawn.
"""

from __future__ import annotations

import base64
import html
import json
import re
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from labs.checking.rule import Rule
from labs.report.json_files import write_whole
from labs.report.page import assets
from labs.testing.run import RunRecord
from labs.trace import reader
from labs.trace.events import Verdict
from labs.trace.recorder import Header

LONG_LINE, LONG_TEXT = 16_000, 1_000
"""The bytes of an event, and the characters of a text in such an event, that are too many for a page."""
LARGE = 8_000_000
"""The size of a trace for which speed matters more than the size of its page."""
VERDICT = b'{"kind":"verdict"'
_BYTES = re.compile(rb'"(snapshot|data)":"([A-Za-z0-9+/=]{64,})"')


def write_page(
    path: Path, trace: Path, rules: Mapping[str, Rule], record: RunRecord | None = None, submission: str = ""
) -> None:
    """Write the page of a trace file; `rules` are those that its verdict may name.

    Raises BadTrace if it is not a trace file. With `record`, a trace without a verdict gets that of the run.
    `submission` is its name on the page, if the trace has another one.
    """
    with trace.open("rb") as file:
        write_from(file, path, rules, record, trace, submission)


def write_from(
    file: BinaryIO,
    path: Path,
    rules: Mapping[str, Rule],
    record: RunRecord | None = None,
    name: Path | None = None,
    submission: str = "",
) -> None:
    """Write the page of a trace from its file; `name` is the name of that in errors."""
    header = reader.header_of(file.readline(), name or path)
    header = msgspec.structs.replace(header, submission=submission or header.submission)
    lines = file.read()
    if record is not None and not reader.last_line(lines).startswith(VERDICT):
        lines += verdict_line(record)
    write_whole(path, render(header, lines, rules, path.stem).encode())


def verdict_line(record: RunRecord) -> bytes:
    """Return the verdict of a run as the last line of a trace."""
    words: tuple[Any, str | None, str, str] = (record.status, record.rule, record.message, record.hint)
    return msgspec.json.encode(Verdict(record.virtual_time, -1, *words, tuple(record.involved))) + b"\n"


def render(header: Header, lines: bytes, rules: Mapping[str, Rule], name: str, note: str = "") -> str:
    """Return the page of a run; `lines` are its events, one per line as in a trace file, and `note` is shown above."""
    lines = shortened(lines)
    return fill(header, rules_of(lines, rules), name, packed(lines), note=note)


def fill(header: Header, rules: Mapping[str, Rule], name: str, trace: str, place: str = "", **more: Any) -> str:
    """Return the page with these contents; `trace` are packed lines, `more` is added to what it knows.

    A page that is live may connect to its server at `place`.
    """
    about = {**msgspec.to_builtins(header), "name": name, "rules": told(rules), **more}
    title, subtitle = f"{header.test}, seed {header.seed}", f"{header.title}; {facts(header, header.submission)}"
    return join("run", (title, header.test, subtitle), about, [trace], place)


def facts(header: Header, submission: str) -> str:
    """Return what is known of a run before it begins."""
    return f"seed {header.seed}, {header.servers} servers, {submission}"


def shortened(lines: bytes) -> bytes:
    """Return lines of a trace that are short enough for a page."""
    return b"".join(_shortened(lines))


def rules_of(lines: bytes, rules: Mapping[str, Rule]) -> dict[str, Rule]:
    """Return the rule that a run broke, by its name, as far as it is among some rules."""
    verdict = reader.last_line(lines)
    broken = re.search(rb'"rule":"(\w+)"', verdict) if verdict.startswith(VERDICT) else None
    return {rule: rules[rule] for rule in ([broken[1].decode()] if broken else []) if rule in rules}


def packed(lines: bytes) -> str:
    """Return lines of a trace deflated, as text."""
    return base64.b64encode(zlib.compress(lines, 1 if len(lines) > LARGE else 3)).decode()


def told(rules: Mapping[str, Rule]) -> dict[str, dict[str, str]]:
    """Return what a page shows of some rules."""
    return {rule.id: {"place": rule.place, "text": rule.says, "hint": rule.hint} for rule in rules.values()}


def join(
    kind: str, head: tuple[str, str, str], about: Mapping[str, Any], traces: Iterable[str], place: str = ""
) -> str:
    """Return a page of a kind, whose script and main part have its name.

    `head` are its title, heading and subtitle, `about` is what its script knows, `traces` are packed. A page that is
    live may connect to its server at `place`.
    """
    script, style = assets.script(f"{kind}.js"), assets.style()
    policy = "; ".join(
        (
            "default-src 'none'",
            f"script-src {assets.hash_of(script)}",
            f"style-src {assets.hash_of(style)}",
            "img-src data:",
            f"connect-src ws://{place}" if place else "connect-src 'none'",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    title, heading, subtitle = (html.escape(_plain(text)) for text in head)
    values = {
        "csp": policy,
        "title": title,
        "heading": heading,
        "subtitle": subtitle,
        "style": style,
        "main": assets.read(f"{kind}.html"),
        "script": script,
        "about": json.dumps(about).replace("<", "\\u003c"),
        "traces": "\n".join(f'<script type="text/plain" class="trace">{trace}</script>' for trace in traces),
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda found: values[found[1]], assets.read("page.html"))


def _plain(text: str) -> str:
    """Return a text without control characters."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)


def _shortened(lines: bytes) -> Iterable[bytes]:
    """Yield the lines; of snapshots only the beginning and the length stay, and of very long texts the beginning."""
    lines = _BYTES.sub(lambda found: b'"%s":"%s\xe2\x80\xa6%d"' % (found[1], found[2][:24], len(found[2])), lines)
    if max(map(len, lines.split(b"\n"))) <= LONG_LINE:
        yield lines
        return
    for line in lines.splitlines(keepends=True):
        yield line if len(line) <= LONG_LINE else msgspec.json.encode(_cut(msgspec.json.decode(line))) + b"\n"


def _cut(value: Any) -> Any:
    if isinstance(value, str) and len(value) > LONG_TEXT:
        return f"{value[:LONG_TEXT]}… and {len(value) - LONG_TEXT} characters more"
    if isinstance(value, list):
        return [_cut(one) for one in value]
    if isinstance(value, dict):
        return {name: _cut(one) for name, one in value.items()}
    return value
