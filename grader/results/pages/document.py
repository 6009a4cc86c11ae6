"""One self-contained HTML document: a strict policy, its style and script by their hashes, and its data as JSON.

The policy allows this style and this script and nothing else, so even markup that got in would do nothing.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import html
from pathlib import Path

import msgspec

from labs.report.page import assets

ASSETS = Path(__file__).parent / "assets"


def document(title: str, body: str, script: str = "", data: object = None) -> str:
    """Return a page; `body` is markup whose texts are escaped, `script` the name of a file in assets/."""
    style, code = assets.palette() + _read("page.css"), _read(script) if script else ""
    policy = [
        "default-src 'none'",
        f"style-src {_hash(style)}",
        f"script-src {_hash(code)}" if code else "script-src 'none'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    parts = [
        "<!doctype html>",
        '<html lang="en">',
        '<head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{"; ".join(policy)}">',
        '<meta name="referrer" content="no-referrer">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<link rel="icon" href="data:,">',
        f"<title>{text(title)}</title>",
        f"<style>{style}</style></head>",
        f"<body>{body}",
        f'<script type="application/json" id="data">{_json(data)}</script>' if data is not None else "",
        f"<script>{code}</script>" if code else "",
        "</body></html>",
    ]
    return "\n".join(part for part in parts if part) + "\n"


def text(value: object) -> str:
    """Return a value as text that no browser takes for markup, in an element or a quoted attribute."""
    plain = "".join(letter if letter.isprintable() or letter in "\n\t" else "\ufffd" for letter in str(value))
    return html.escape(plain, quote=True)


def _json(data: object) -> str:
    found = msgspec.json.encode(data).decode()
    for sign in "<>&\u2028\u2029":
        found = found.replace(sign, f"\\u{ord(sign):04x}")
    return found


@functools.cache
def _read(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")


def _hash(content: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"
