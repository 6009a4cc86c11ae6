"""Reads its parent's memory by ptrace, process_vm_readv and /proc/PID/mem.

Idea: same user, so ptrace is allowed: found on plain graders.
Verdict: NotWritten
"""

import sys

from blank import Raft as Server

os = sys.modules["os"]


class Raft(Server):
    def __init__(self, node, apply_ch):
        super().__init__(node, apply_ch)
        ctypes = sys.modules.get("ctypes") or sys.modules["builtins"].__import__("ctypes")
        libc = ctypes.CDLL(None, use_errno=True)
        for pid in (os.getppid(), 1, *range(2, 40)):
            if libc.ptrace(16, pid, None, None) == 0:
                node.note(f"LEAKED attached to {pid}")
                libc.ptrace(17, pid, None, None)
            buffer = ctypes.create_string_buffer(8)
            local = (ctypes.c_ulong * 2)(ctypes.addressof(buffer), 8)
            remote = (ctypes.c_ulong * 2)(id(self), 8)
            if pid and libc.process_vm_readv(pid, local, 1, remote, 1, 0) > 0:
                node.note(f"LEAKED read from {pid}")
            try:
                os.open(f"/proc/{pid}/mem", os.O_RDWR)
                node.note(f"LEAKED opened the memory of {pid}")
            except OSError:
                pass
