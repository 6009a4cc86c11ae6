"""Sends frames that are short on the wire and large in memory: millions of empty lists.

Idea: one byte that becomes sixty in the reader.
Verdict: NoCrash.*sent an impossible frame|CpuBudget.*MiB of memory
"""

import sys

from elected import Raft as Server


class Raft(Server):
    async def run(self):
        child = sys.modules["trio"].lowlevel.current_clock()._on_idle.__self__
        lists = b"\xdd" + (7_900_000).to_bytes(4, "big") + b"\x90" * 7_900_000
        saved = b"\x9b\xa5Saved\x01\xc0\x00\x00\x00\x00\x90\xc0\xa1X\x81\xa1x" + lists
        record = b"\x99\x02" + bytes([child._turn]) + b"\x01\xc2\x91" + saved + b"\x90\xc0\x90\xc0"
        child._link.sendall(len(record).to_bytes(4, "big") + record)
        sys.modules["signal"].pause()
