"""Makes standard output take every character that a report may hold, whatever the system's encoding is.

Files and pipes get UTF-8; a terminal that cannot show a character shows a question mark.
"""

from __future__ import annotations

import io
import sys


def take_every_character() -> None:
    """Set up standard output and error; call this first in a command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and stream.encoding.lower().replace("-", "") != "utf8":
            if stream.isatty():
                stream.reconfigure(errors="replace")
            else:
                stream.reconfigure(encoding="utf-8")
