"""Sends maps whose keys all have one hash, past the lab's own code.

Idea: who builds a dict of them compares each with all others.
Verdict: ^error NoCrash.*sent an impossible frame: Applied: a dict of 10,000 keys; 4,000 are allowed
"""

import sys

from elected import Raft as Server

KEYS = 10_000


class Raft(Server):
    async def run(self):
        trio, frames, wire = (
            sys.modules[name] for name in ("trio", "labs.sim.hosts.process.frames", "labs.sim.server.outputs")
        )
        await trio.sleep(0.1)
        child = trio.lowlevel.current_clock()._on_idle.__self__
        # In Python -1 and -2 have the same hash, and so have all lists of them, as keys.
        keys = (b"\xdc\0\x11" + bytes(0xFE + (number >> bit & 1) for bit in range(17)) for number in range(KEYS))
        command = b"\xdf" + KEYS.to_bytes(4, "big") + b"".join(key + b"\xc0" for key in keys)
        record = frames.Answer(child._turn, 9e9, False, [wire.Applied(1, command)], [], None, [])
        frames.send(child._link, record)
        child._link.recv(1)  # the simulator has nothing more to send
