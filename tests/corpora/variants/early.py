"""What is handed in before the stage of persistence: variants that save nothing, and so show the disk nothing."""

from __future__ import annotations

from dataclasses import replace

from tests.corpora.variants import Variant
from tests.corpora.variants.elections import merged
from tests.corpora.variants.replication import VARIANTS as REPLICATION
from tests.corpora.variants.storage import SAVES_NOTHING
from tests.corpora.variants.storage import VARIANTS as STORAGE

CHOSEN = (
    "no_op",
    "pipelining",
    "small_messages",
    "empty_heartbeats",
    "commit_capped_by_match",
    "eager_truncation",
    "promises_then_appends",
    "coroutine_handlers",
    "slow_answers",
    "delayed_apply",
)
"""Those that a checker could mistake most easily, as it must do without the disk."""

ASKS = '        """Ask one peer for its vote, once."""\n'
ASKS_LATE = (
    (
        ASKS + "        if not self.is_still(Role.CANDIDATE, args.term):\n            return\n",
        ASKS + "        await trio.sleep(self.node.random.uniform(0.0, 0.04))\n",
    ),
)

VARIANTS = (
    *(
        replace(
            variant,
            name=f"{variant.name}_unsaved",
            unusual=f"saves nothing, and {variant.unusual}",
            changes=merged(SAVES_NOTHING, variant.changes),
            stages=("2A", "2B"),
        )
        for variant in (*REPLICATION, *STORAGE)
        if variant.name in CHOSEN
    ),
    Variant(
        "asks_late_unsaved",
        "saves nothing; a request for a vote waits up to 40 ms in the candidate's queue, and leaves whatever it is then",
        "the words are those of an election that had begun, and a vote that comes too late is not counted",
        merged(SAVES_NOTHING, ASKS_LATE),
        stages=("2A", "2B"),
    ),
)
