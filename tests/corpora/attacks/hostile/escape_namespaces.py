"""Makes namespaces of its own, mounts, changes its root, and enters those of others.

Idea: nested user namespaces give a process all rights inside.
Verdict: NotWritten: not written yet: start
"""

import sys

from elected import Raft as Server

os = sys.modules["os"]


class Raft(Server):
    async def run(self):
        ctypes = sys.modules.get("ctypes") or sys.modules["builtins"].__import__("ctypes")
        libc = ctypes.CDLL(None, use_errno=True)
        for name, *arguments in (
            ("unshare", 0x10000000),
            ("unshare", 0x7E020000),
            ("mount", b"none", b"/tmp", b"tmpfs", 0, None),
            ("chroot", b"/"),
            ("setns", 0, 0),
            ("pivot_root", b"/", b"/tmp"),
        ):
            function = getattr(libc, name, None)
            if function is not None and function(*arguments) == 0:
                self.node.note(f"LEAKED {name} works")
        await super().run()
