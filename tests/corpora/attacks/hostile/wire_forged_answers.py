"""Writes well-formed frames of its own: answers to calls that nobody made, votes with tickets of others.

Idea: what a process sends must be checked as if it came from the network.
Verdict: NoCrash.*sent an impossible frame
"""

import struct
import sys

from elected import Raft as Server

os, msgspec = sys.modules["os"], sys.modules["msgspec"]
wire, codec, messages = (
    sys.modules.get(f"labs.{name}") for name in ("sim.server.outputs", "codec.messages", "messages")
)


class Raft(Server):
    def append_entries(self, args):
        self.forge()
        return super().append_entries(args)

    def forge(self):
        vote = codec.encode_message(messages.RequestVoteReply(1, True))
        outputs = [wire.Replied(ticket, vote) for ticket in range(-3, 50)]
        outputs += [wire.Called(-1, 99, vote), wire.Applied(1, codec.encode_command("forged"))]
        outputs += [wire.Called(1, self.node.me, vote), wire.Noted("\x00" * 10, False)]
        for shape in (outputs, [0.0, outputs], {"outbox": outputs}, [1, 0.0, outputs, []], [outputs, []]):
            body = msgspec.msgpack.encode(shape)
            for head in (struct.pack("<I", len(body)), struct.pack(">I", len(body)), struct.pack("<Q", len(body)), b""):
                for fd in range(3, 32):
                    try:
                        os.write(fd, head + body)
                    except OSError:
                        pass
