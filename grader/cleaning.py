"""Makes text that a submission could influence harmless to read: in a terminal, a log, a spreadsheet, a page.

Every string from a run passes through `clean` before it enters a result. Escaping for a format (XML, HTML, CSV,
workflow commands) is done where that format is written, in grader/exports.
"""

from __future__ import annotations

import re
import unicodedata

_ESCAPES = re.compile(
    r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|[PX^_][^\x1b]*\x1b\\|[ -/]*[0-~])|\x9b[0-?]*[ -/]*[@-~]"
)
LONGEST = 2000


def clean(text: str, longest: int = LONGEST) -> str:
    """Return a text without escape sequences and invisible characters, cut to a length. Line ends and tabs stay; other
    control characters become U+FFFD.
    """
    text = _ESCAPES.sub("", text[: 4 * longest]).replace("\r\n", "\n")
    text = "".join(character if _is_harmless(character) else "\ufffd" for character in text)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def one_line(text: str, longest: int = LONGEST) -> str:
    """Return a clean text with blanks in place of line ends and tabs."""
    return " ".join(clean(text, longest).split())


def _is_harmless(character: str) -> bool:
    return character in "\n\t" or unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
