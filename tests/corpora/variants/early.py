"""What is handed in before the stage of persistence: variants that save nothing, and so show the disk nothing."""

from __future__ import annotations

from dataclasses import replace

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

VARIANTS = tuple(
    replace(
        variant,
        name=f"{variant.name}_unsaved",
        unusual=f"saves nothing, and {variant.unusual}",
        changes=merged(SAVES_NOTHING, variant.changes),
        stages=("2A", "2B"),
    )
    for variant in (*REPLICATION, *STORAGE)
    if variant.name in CHOSEN
)
