"""Notes and raises texts that cannot be encoded, that lie about their length, and that are not texts.

Idea: lone surrogates, subclasses of str, exceptions whose texts raise.
Verdict: NoCrash.*broke the loop that it runs in
"""

from elected import Raft as Server


class Text(str):
    def __str__(self):
        raise ValueError("no text")

    def __len__(self):
        return -1

    def encode(self, *args, **kwargs):
        return b"\xff" * 100


class Wrong(Exception):
    def __str__(self):
        raise KeyboardInterrupt

    __repr__ = __str__


class Raft(Server):
    async def run(self):
        self.node.note("\ud800 lone")
        for text in (Text("x"), b"bytes", None, 7, object()):
            self.node.note(text)
        raise Wrong("x")
