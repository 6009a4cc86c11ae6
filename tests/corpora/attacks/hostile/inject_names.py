"""Gives its classes and functions names with control characters and the length of books.

Idea: names end up in messages, too.
Verdict: WellFormed.*get_state must return
"""

from elected import Raft as Server

Odd = type("\x1b[31m" + "x" * 10_000 + "\n<script>", (Exception,), {})


class Raft(Server):
    def get_state(self):
        return Odd()

    async def run(self):
        raise Odd("\n" * 1000)
