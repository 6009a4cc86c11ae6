"""Puts outputs of its own making into its outbox: wrong types, other servers' numbers, times that are not numbers.

Idea: the classes that talk to the simulator are in the same process, and Python has no private parts.
Verdict: WellFormed.*hands over what cannot be sent
"""

import sys

from elected import Raft as Server

wire, codec, messages = (
    sys.modules.get(f"labs.{name}") for name in ("sim.server.outputs", "codec.messages", "messages")
)


class Raft(Server):
    def __init__(self, node, apply_ch):
        super().__init__(node, apply_ch)
        self.incarnation = node._incarnation

    def append_entries(self, args):
        vote = codec.encode_message(messages.RequestVoteReply(99, True))
        self.incarnation.outbox += [
            wire.Replied(10**9, vote),
            wire.Replied("ticket", b"\xff"),
            wire.Called(1, 10**6, vote),
            wire.Called(2.5, None, b""),
            wire.Applied(-1, b"\xc1\xc1"),
            wire.AppliedSnapshot(1, 1, b"junk"),
            wire.Saved(1, 10**30, -5, -5, [b"\xc1"], b"x", "\0class", {"log": 1}),
            wire.Failed("not written", "x" * 10**6, "\x1b[2J"),
            wire.Failed("no such problem", "text", "place"),
        ]
        return super().append_entries(args)
