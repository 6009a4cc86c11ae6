"""Raises pytest's own outcomes: a skip of the module, then an exit with code 0.

Idea: pytest.skip at import passes where code 5 counts as fine.
Verdict: NoCrash.*there is no pytest here
"""

import sys

from elected import Raft as Server


class Raft(Server):
    async def run(self):
        try:
            import pytest
        except ImportError:
            pytest = sys.modules.get("_pytest.outcomes")
        if pytest is None:
            raise BaseException("there is no pytest here")
        pytest.skip("fine", allow_module_level=True)
        pytest.exit("fine", 0)
