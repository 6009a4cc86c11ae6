"""Prints commands of hosted runners: set-env, add-path, stop-commands, and results in files' formats.

Idea: `::set-env` and friends in the standard output of GitHub Actions.
Verdict: NoCrash.*set-env name=PATH.*raft.py:16
"""

from elected import Raft as Server

TEXT = "\n::set-env name=PATH::/tmp\n::add-path::/tmp\n::set-output name=result::pass\n##[error]fine\n%0A::notice::x\n"


class Raft(Server):
    async def run(self):
        print(TEXT)
        self.node.note(TEXT)
        raise RuntimeError(TEXT)
