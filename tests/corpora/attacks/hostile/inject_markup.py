"""Puts HTML, Markdown, XML and formulas of spreadsheets into notes and an exception.

Idea: stored scripts in an instructor's browser; `=cmd|...` in a CSV.
Verdict: NoCrash.*RuntimeError: =1
"""

from elected import Raft as Server

TEXT = (
    "<script>fetch('//evil')</script><img src=x onerror=alert(1)> ]]> <!-- --> &amp; "
    '=HYPERLINK("http://evil") @SUM(1+1) -1+1 | `x` [a](javascript:alert(1)) </pre></textarea>'
)


class Raft(Server):
    async def run(self):
        self.node.note(TEXT)
        self.node.note("=cmd|' /C calc'!A0")
        raise RuntimeError("=1+1" + TEXT)
