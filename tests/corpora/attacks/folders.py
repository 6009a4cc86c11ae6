"""Attacks that are made here, because as files they would do harm where they lie.

Modules that take the place of others, files that Python or pytest pick up by their names, sources that no parser likes.
"""

from __future__ import annotations

MARK = "import os\nopen('/tmp/raft-attack-started', 'w').close()\nos.environ['RAFT_ATTACK'] = 'started'\n"
TWO_MEGABYTES = 1 << 21
_BY_NAME = "sitecustomize usercustomize conftest test_raft setup __main__ __init__ encodings site"
STARTED_BY_NAME = [f"{name}.py" for name in _BY_NAME.split()]

BEYOND = 10**8
"""An index beyond every log; code that counts up to it, or makes room for it, is busy for long."""
NUMBERS = {
    "start": "    def start(self, command): return BEYOND, self.current_term, True\n",
    "prev_log_index": "    def args(self): return AppendEntriesArgs(1, self.node.me, BEYOND, 1, [LogEntry(1, 1)], 0)\n",
    "leader_commit": "    def args(self): return AppendEntriesArgs(1, self.node.me, 0, 0, [], BEYOND)\n",
    "last_log_index": "    def args(self): return RequestVoteArgs(1, self.node.me, BEYOND, 1)\n",
    "install": "    def args(self): return InstallSnapshotArgs(1, self.node.me, BEYOND, 1, b'')\n",
    "save": "    def args(self): self.node.persister.save(PersistentState(1, None, [], BEYOND, 1))\n",
    "apply": "    def args(self): self.apply_ch.send_nowait(ApplyCommand(BEYOND, 1))\n",
    "apply_snapshot": "    def args(self): self.apply_ch.send_nowait(ApplySnapshot(BEYOND, 1, b''))\n",
}
SENDS_ARGS = """
    async def run(self):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(super().run)
            if args := getattr(self, "args", None):
                await self.node.call(self.node.peers[0], args())
"""


def _with_number(what: str, text: str) -> tuple[str, dict[str, str | bytes]]:
    head = f"Hands over a number far beyond every log: in {what}.\nIdea: a checker that makes room for a log so long.\n"
    told = "start must return .index" if what == "start" else "goes beyond 200,000"
    server = "import trio\nfrom elected import Raft as Server\nfrom labs.messages import *\n"
    source = f"{server}BEYOND = {BEYOND}\n\nclass Raft(Server):\n{text}{SENDS_ARGS}"
    return f"{head}Verdict: WellFormed: server 0 .*{told}\nTest: 2B/basic_agreement\n", {"raft.py": source}


FOLDERS: dict[str, tuple[str, dict[str, str | bytes]]] = {
    "modules_shadowed": (
        "Brings modules with the names of Python's and the lab's own: random, json, trio, msgspec, labs.\n"
        "Idea: the folder of a submission comes first on the path; gradema.\n"
        "Verdict: NoCrash.*SystemExit: 0 at trio\n",
        {
            "raft.py": "import random, json, dataclasses, msgspec\nfrom blank import Raft as Server\n"
            "class Raft(Server):\n"
            "    def __init__(self, node, apply_ch):\n"
            "        super().__init__(node, apply_ch)\n"
            "        node.note(f'{random} {json} {msgspec}')\n",
            **{
                f"{name}.py": "def __getattr__(name): return lambda *a, **k: 0\n"
                for name in ("random", "json", "dataclasses", "msgspec", "typing", "heapq", "collections", "enum")
            },
            "trio/__init__.py": "raise SystemExit(0)\n",
            "labs/__init__.py": "raise SystemExit(0)\n",
            "labs/sim/kernel.py": MARK,
            "grader/__init__.py": MARK,
            "tests/__init__.py": MARK,
        },
    ),
    "modules_started_by_name": (
        "Brings files that are run because of their names: sitecustomize, conftest, a .pth, a build, a hook.\n"
        "Idea: gradema; saligrama; python -I and -P stop some of them.\n"
        "Verdict: NotWritten\n",
        {
            "raft.py": "from blank import Raft\n",
            **dict.fromkeys(
                (
                    "sitecustomize.py",
                    "usercustomize.py",
                    "conftest.py",
                    "test_raft.py",
                    "setup.py",
                    "__main__.py",
                    "__init__.py",
                    "encodings.py",
                    "site.py",
                ),
                MARK,
            ),
            "attack.pth": "import os; open('/tmp/raft-attack-started', 'w').close()\n",
            "pytest.ini": "[pytest]\naddopts = -p no:cacheprovider --co -q\npythonpath = .\n",
            "pyproject.toml": "[build-system]\nrequires = []\nbuild-backend = 'setup'\nbackend-path = ['.']\n",
            "Makefile": "all:\n\ttouch /tmp/raft-attack-started\n",
            ".git/hooks/post-checkout": "#!/bin/sh\ntouch /tmp/raft-attack-started\n",
        },
    ),
    "modules_bytecode": (
        "Brings compiled code in place of source, and an extension module that is not one.\n"
        "Idea: .pyc files and .so files are loaded unread.\n"
        "Verdict: NoCrash.*No module named 'helper'\n",
        {
            "raft.py": "from blank import Raft\nimport helper\n",
            "helper.pyc": b"\xa7\r\r\n" + b"\0" * 12 + b"\xe3\0\0\0" * 20,
            "__pycache__/raft.cpython-311.pyc": b"\xa7\r\r\n" + b"\0" * 12 + b"\xe3\0\0\0" * 20,
            "helper.so": b"\x7fELF" + b"\0" * 100,
        },
    ),
    "modules_circle": (
        "Imports itself in a circle, by every way there is, and modules that are not there.\n"
        "Idea: recursion in the loader.\n"
        "Verdict: NotWritten: not written yet: get_state\n",
        {
            "raft.py": "import a\nfrom blank import Raft\n",
            "a.py": "import b\nfrom . import b as c\n",
            "b.py": "import importlib\nimport a\nfor n in ('a', 'b', 'raft', '.a', '..a', 'a.' * 500 + 'b'):\n"
            "    try: importlib.import_module(n)\n    except Exception: pass\n",
        },
    ),
    "modules_deep": (
        "Has a module in a hundred folders within each other.\nIdea: long paths.\n"
        "Verdict: NoCrash.*No module named 'd'|NotGradable: a file's name is longer\n",
        {
            "raft.py": f"import {'.'.join(['d'] * 100)}\nfrom blank import Raft\n",
            "/".join(["d"] * 100) + "/__init__.py": "x = 1\n",
        },
    ),
    **{f"limit_number_in_{what}": _with_number(what, text) for what, text in NUMBERS.items()},
    "source_brackets": (
        "Is a file with a hundred thousand brackets.\nIdea: parsers that recurse.\n"
        "Verdict: NotGradable: .*(too many nested parentheses|cannot)\n",
        {"raft.py": "x = " + "(" * 100_000 + ")" * 100_000 + "\nfrom blank import Raft\n"},
    ),
    "source_minus": (
        "Is a file with one long expression.\nIdea: compilers that recurse.\nVerdict: NotGradable: .*raft.py\n",
        {"raft.py": "x = " + "-" * 200_000 + "1\nfrom blank import Raft\n"},
    ),
    "source_folded": (
        "Has constants that a compiler computes: powers of powers, strings times millions.\n"
        "Idea: constant folding that takes all time and memory.\n"
        "Verdict: NotWritten: not written yet: get_state|NotGradable\n"
        "Slow: yes\n",
        {
            "raft.py": "def f(): return 9 ** 9 ** 9, 'x' * (1 << 40), (1,) * (1 << 30), 1 << (1 << 40)\n"
            "from blank import Raft\n"
        },
    ),
    "source_doubling": (
        "Has a module of few lines that takes long to compile, and that is imported late.\n"
        "Idea: what stands in a finally is compiled twice, and so is a finally in it.\n"
        "Verdict: (NotGradable|WellFormed).*helper.py cannot be compiled within\n"
        "Slow: yes\n",
        {
            "raft.py": "from elected import Raft as Server\n"
            "class Raft(Server):\n    async def run(self):\n        import helper\n        await super().run()\n",
            "helper.py": 400
            * (
                "def f():\n"
                + "".join(f"{' ' * at}try: a()\n{' ' * at}finally:\n" for at in range(1, 17))
                + " " * 17
                + "b()\n"
            ),
        },
    ),
    "source_zeros": (
        "Is a file of zero bytes.\nIdea: bytes that are not text.\n"
        "Verdict: NotGradable: .*null bytes|NotGradable: raft.py has more than\n",
        {"raft.py": b"\0" * TWO_MEGABYTES},
    ),
    "source_encodings": (
        "Declares an encoding that does not exist, and one that runs code elsewhere.\n"
        "Idea: the coding cookie names a module.\n"
        "Verdict: NotGradable: .*unknown encoding: attack\n",
        {
            "raft.py": b"# -*- coding: attack -*-\nfrom blank import Raft\n",
            "attack.py": MARK,
            "encodings/attack.py": MARK,
        },
    ),
    "source_long": (
        "Is a file of two megabytes with a million lines.\nIdea: size alone.\n"
        "Verdict: NotGradable: (Python cannot compile"
        "|raft.py cannot be compiled(: MemoryError| within)|raft.py has more than)\n",
        {"raft.py": "x\n" * 1_000_000 + "class Raft: pass\n"},
    ),
    "source_no_class": (
        "Defines no class Raft, but a name that pretends.\nIdea: a loader that trusts names.\n"
        "Verdict: WellFormed.*raft.py defines no class Raft\n",
        {"raft.py": "class Meta(type):\n    def __instancecheck__(cls, x): return True\nRaft = 7\n"},
    ),
    "source_metaclass": (
        "Has a class whose metaclass answers everything with an exit.\n"
        "Idea: a loader that looks at a class runs its metaclass.\n"
        "Verdict: NoCrash.*ended its process, with exit code 0\n",
        {
            "raft.py": "import sys\nclass Meta(type):\n"
            "    def __getattribute__(cls, name): sys.modules['os']._exit(0)\n"
            "    def __call__(cls, *a): sys.modules['os']._exit(0)\n"
            "class Raft(metaclass=Meta): pass\n"
        },
    ),
}
