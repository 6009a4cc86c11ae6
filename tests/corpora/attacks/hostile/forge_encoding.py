"""Replaces the encoding, so that what crosses the wire is its own: foreign bytes instead of messages.

Idea: patching json, carried over to this lab's codec.
Verdict: NoCrash.*sent an impossible frame: Called
"""

import sys

from elected import Raft as Server

codec = sys.modules["labs.codec.messages"]


class Raft(Server):
    async def run(self):
        codec.encode_message = lambda message, *servers: b"\xff\xff\xff\xff" + b"\x00" * 100
        codec.decode_base = lambda data: None
        codec.base_class = lambda data: sys.modules["labs.messages"].RequestVoteArgs
        await super().run()
