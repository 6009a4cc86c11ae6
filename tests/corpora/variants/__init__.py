"""The corpus of correct but unusual servers. Nobody may find fault with any of them. `corpus()` returns them all.

Most are small named changes to the reference; those that are whole folders here were written from the paper.
"""

from __future__ import annotations

import importlib
import pkgutil
import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.corpora.mutants.patching import Mutant

HERE = Path(__file__).parent
ALL_STAGES = ("2A", "2B", "2C", "2D")


@dataclass(frozen=True)
class Variant:
    """One server that is correct, but not what one expects."""

    name: str
    unusual: str
    """What is unusual, in a sentence."""
    why: str
    """Why it is correct all the same."""
    changes: tuple[tuple[str, str], ...] = ()
    """What to replace by what in the server; each old text must stand there exactly once."""
    folder: str = ""
    """The folder beside this file that holds the whole server, if it is not the reference."""
    stages: tuple[str, ...] = ALL_STAGES
    """The stages that it has solved: what a student hands in on the way there is correct, too."""

    def write(self, folder: Path) -> Path:
        """Write the server to a folder, as raft.py and what that imports; return the folder."""
        if self.folder:
            without = shutil.ignore_patterns("__pycache__")
            shutil.copytree(HERE / self.folder, folder, dirs_exist_ok=True, ignore=without)
            for old, new in self.changes:
                _replace_once(folder, old, new)
        else:
            Mutant(self.name, self.why, self.stages[0], self.unusual, (), self.changes).write(folder)
        return folder


SHOWN_BY = {
    "a trial before the election (pre-vote)": ("pre_vote", "all_election_extras", "etcd_core", "hashicorp_core"),
    "a leader without a majority steps down": ("check_quorum", "etcd_core", "hashicorp_core", "logcabin_core"),
    "a voter that hears its leader refuses candidates, or does not answer them": ("sticky_voter", "silent_voter"),
    "a new leader's own entry": ("no_op", "no_op_first"),
    "batches, and short waits for them": ("waits_for_a_batch", "small_messages", "course_style"),
    "a leader that takes no more commands for now": ("small_window", "no_op_first"),
    "pipelining": ("pipelining", "pure_core"),
    "heartbeats with entries, and without": ("empty_heartbeats", "go_style"),
    "messages when something commits": ("tells_of_commits",),
    "any back-up": ("backup_by_length", "backup_by_halves", "backup_by_last_index", "course_style"),
    "back-up by one": ("backup_one_at_a_time", "poll_loop", "go_style"),
    "a refusal that drops what conflicts": ("eager_truncation", "lazy_truncation"),
    "entries kept before the snapshot's end": (
        "keeps_trailing_entries",
        "snapshots_late",
        "keeps_39_covered_entries",
    ),
    "snapshots that are not needed, or come in pieces": ("snapshot_instead_of_backup", "pushes_snapshots", "chunks"),
    "late and batched apply": ("delayed_apply", "apply_queue"),
    "entries applied again after a restart": ("applies_trailing_again", "leaves_snapshot_to_service"),
    "commit_index on the disk": ("persisted_commit_index", "persisted_commit_applied_late", "etcd_core"),
    "a leader's disk beside its messages; commit without it": ("disk_in_parallel",),
    "more saves, and fewer": ("saves_always", "saves_field_by_field", "saves_at_answers", "group_commit"),
    "replies of other terms, and late ones, dropped": ("one_call_at_a_time", "course_style"),
    "a vote for one's leader": ("votes_for_its_leader", "openraft_like"),
    "votes asked for again, and once": ("asks_everybody_again", "asks_once"),
    "long, short and adaptive timeouts; terms left out": (
        "long_timeouts",
        "short_timeouts",
        "adaptive_timeouts",
        "terms_of_its_own",
    ),
    "refusals below the snapshot": ("refuses_below_its_snapshot",),
    "a part of a message taken": ("partial_acceptance",),
    "indices that are promised, and lost": ("promises_then_appends", "one_inbox"),
    "a leader that is not sure yet": ("modest_leader",),
    "leadership handed over, or given up": ("leadership_transfer", "marked_campaign", "steps_down_at_times"),
    "snapshots ignored, here and there": ("snapshots_now_and_then", "late_word_on_old_snapshots"),
    "answers late, and out of order": ("slow_answers", "coroutine_handlers", "yielding_handlers", "looks_every_20_ms"),
    "a log with a dummy entry at 0": ("go_style",),
    "commit counted now and then; leader_commit held back": ("lazy_commit", "commit_capped_by_match"),
    "nothing saved before the stage of persistence": ("saves_nothing", "saves_terms_only", "saves_now_and_then"),
    "fields and classes of its own": ("fields_of_its_own", "course_style"),
    "entries that a peer has already; messages twice": ("overlapping_windows", "sends_twice"),
    "a commit index taken over with the next message": ("commits_with_the_next_message",),
    "a candidate that gives up": ("gives_up_when_refused",),
    "requests again as they were, and out of a queue": ("same_words_again", "disk_actor", "outboxes"),
    "requests that waited until their election was over": ("asks_out_of_its_queue",),
    "memory ahead of the disk": ("disk_actor", "ready_loop", "applies_before_it_saves"),
    "snapshots and entries at once; what comes too early is kept": (
        "snapshot_and_entries_at_once",
        "keeps_early_entries",
    ),
    "heartbeats without any facts about the log": ("bare_heartbeats", "hashicorp_core"),
    "a leader that shows it only while a majority answers": ("leads_by_lease", "hashicorp_sure_leader"),
    "a new term with each restart": ("restarts_in_a_new_term",),
    "well-known implementations": (
        "etcd_core",
        "hashicorp_core",
        "logcabin_core",
        "tla_actions",
        "braft_like",
        "redpanda_like",
    ),
    "the same vote sent again, whatever the log is by now": ("hashicorp_core", "logcabin_core"),
    "commands refused while too many wait": ("etcd_drops_proposals",),
    "messages of long ago, answered or not": ("etcd_repeats_old_messages",),
    "one thing at a time, in any order": ("tla_actions",),
    "short calls": ("short_calls",),
    "a snapshot for the disk only": ("rule_6_to_the_letter",),
    "entries used that were refused because of a gap": ("keeps_gaps_of_late_batches", "keeps_gaps_and_reports_them"),
    "a trial that goes on while the server votes": ("trial_goes_on_while_it_votes",),
    "answers taken in the order of the requests": ("braft_like",),
    "a success that reports other entries": ("redpanda_like", "redisraft_like", "fields_everywhere"),
    "no book of what is under way": ("redisraft_like",),
    "queues as long as is allowed, and several": (
        "every_queue_at_its_limit",
        "queues_of_45_ms",
        "eight_policies_at_once",
    ),
    "requests that overtake each other inside a server": ("requests_overtake_each_other",),
    "a lock that is held across saves": ("lock_across_saves", "lock_and_ticks"),
    "a class for each role": ("a_class_for_each_role", "roles_and_full_heartbeats"),
    "tasks: one for all peers, or a nursery for each leadership": ("peers_in_turn", "a_nursery_for_each_leadership"),
}
"""What is unusual and correct, and which variants show it."""


def _replace_once(folder: Path, old: str, new: str) -> None:
    """Replace a text in the one module of a folder that has it, once. Raises ValueError if there is no such module."""
    texts = {path: path.read_text() for path in sorted(folder.glob("*.py"))}
    if sum(text.count(old) for text in texts.values()) != 1:
        raise ValueError(f"not exactly once in {folder.name}: {old!r}")
    for path, text in texts.items():
        path.write_text(text.replace(old, new))


def corpus() -> list[Variant]:
    """Return all variants: the lists VARIANTS of this package's modules."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.ispkg)
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    return [variant for module in modules for variant in getattr(module, "VARIANTS", ())]
