"""What is known of one server from outside, and what it could rightly answer; filled by labs.raft.checkers.shadow."""

from __future__ import annotations

import math
from collections import deque
from typing import TypeAlias

from labs.messages import AppendEntriesArgs, InstallSnapshotArgs, Message, RequestVoteArgs
from labs.raft.checkers.shadow_log import ShadowLog

HEARINGS = 30
"""How many of the last requests of leaders are remembered for each server, to know when it was last reached."""
PARKED = 64
"""How many of the last requests that it refused are remembered for each server, as it may keep them."""
LogMessage: TypeAlias = AppendEntriesArgs | InstallSnapshotArgs


class Chance:
    """What a server could rightly have answered to a request, at some moment since it was delivered."""

    __slots__ = ("no", "open", "request", "stored", "yes")

    def __init__(self, request: Message | None) -> None:
        self.request = request
        self.open = 0
        """Copies of the request that are not answered."""
        self.yes = self.no = self.stored = request is None
        """Whether yes or no was right; and whether its disk held all that a yes to AppendEntries acknowledges."""

    def look(self, server: ShadowServer) -> None:
        """Take account of what the server holds at this moment."""
        log, request = server.log, self.request
        if isinstance(request, AppendEntriesArgs):
            prev, prev_term, entries = request.prev_log_index, request.prev_log_term, request.entries
            if not self.yes or not self.no:
                has, lacks = log.may(prev, prev_term)
                self.yes, self.no = self.yes or has, self.no or lacks
            if not self.stored:
                last_term = entries[-1].term if entries else prev_term
                self.stored = not server.disk.lacks(prev + len(entries), last_term)
        elif isinstance(request, RequestVoteArgs):
            mine = (log.last_term or 0, log.last)
            self.yes = self.yes or mine <= (request.last_log_term, request.last_log_index)

    def follows(self, accepted: AppendEntriesArgs) -> None:
        """Take account of a success for a leader: a candidate of a newer term comes after it, whenever it asked."""
        request, entries = self.request, accepted.entries
        if isinstance(request, RequestVoteArgs) and request.term > accepted.term and entries:
            last = (entries[-1].term, accepted.prev_log_index + len(entries))
            self.yes = last <= (request.last_log_term, request.last_log_index)


class ShadowServer:
    """What is known of one server. Fields that a crash ends are set in `begin_life`."""

    def __init__(self, server: int) -> None:
        self.id = server
        self.up = False
        self.born = 0.0
        """When it last started."""
        self.resumed = -math.inf
        """When it last went on after it had stood still."""
        self.saves = False
        """Whether it saves its state at all; in the early stages it need not."""
        self.trusted = True
        """Whether its disk holds what it acknowledged so far; if not, its log is not read there in early stages."""
        self.disk = ShadowLog()
        self.disk_term = 0
        self.disk_vote: int | None = None
        self.disk_snapshot = 0
        self.votes: dict[int, tuple[int, int]] = {}
        """For each term the candidate that it voted for, itself included, and in which incarnation."""
        self.saved_votes: dict[int, int | None] = {}
        """For each term the vote that it saved last in it."""
        self.last_granted: RequestVoteArgs | None = None
        """The last request that it answered with yes."""
        self.committed = 0
        """The highest index that it may hold committed: from a leader, by counting as a leader, or from a snapshot."""
        self.incarnation = -1
        self.begin_life()

    def after(self, moment: float, seconds: float) -> float:
        """Return when what takes a server `seconds` from a moment on is done; it does nothing while it stands still."""
        return max(moment, self.resumed) + seconds

    def begin_life(self) -> None:
        self.changed = True
        """Whether its log has changed since what it may answer was last looked at."""
        self.log = self.disk.copy()
        self.term = self.disk_term
        """The highest term that it has shown."""
        self.shown_at = 0.0
        """When it first showed that since its last start."""
        self.shown_before: dict[int, int] = {}
        """The term that it had shown when a request reached it, by RPC."""
        self.heard = (0, 0.0)
        """The highest term that it must have adopted by what reached it, and when."""
        self._begin_elections()
        self._begin_following()
        self.pending: dict[int, LogMessage] = {}
        """Requests that change the log, and that it has not answered."""
        self.parked: deque[AppendEntriesArgs] = deque(maxlen=PARKED)
        """Entries that it has refused lately because of a gap: it may keep them until the gap is closed."""
        self.chances: dict[int, Chance] = {}
        """For each request that it has not answered what it could answer."""
        self.reached = 0
        """The highest term of any message that reached it since its last start."""
        self.raised = (0, 0.0)
        """The highest term that it showed before any message of that term had reached it, as it campaigns; and when."""
        self.may_drop: int | None = None
        """From where on it may have dropped entries that are still on its disk, as they conflict with its leader's."""
        self.first_save = True
        self.unsent: int | None = None
        """From where on its log holds only what `start` promised, in its present term."""
        self.applied = self.disk_snapshot
        self.installed = 0
        """The index of the snapshot that its service was given last, unless more has been applied since."""

    def _begin_elections(self) -> None:
        """Forget elections and leaderships of earlier incarnations."""
        self.leads: int | None = None
        """The term that it is known to lead."""
        self.led: set[int] = set()
        self.candidate = 0
        """The highest term in which it campaigned since its last start."""
        self.asked: dict[int, RequestVoteArgs] = {}
        """For each peer the request for its vote that was sent to it last."""
        self.granted: dict[int, set[int]] = {}
        """For each term the servers whose votes reached it."""
        self.match: dict[int, int] = {}
        """As leader of `match_term`: up to which index each peer acknowledged its log."""
        self.match_term = 0
        self.own_end = (0, 0)
        """(term, index): the last entry that it has shown as the leader of that term, on its disk or not."""
        self.granted_at = -1.0
        """When it gave its last vote."""
        self.granted_in = 0
        """The term of its last vote."""
        self.invited_at = -1.0
        """When its leader may have ordered it to campaign."""

    def _begin_following(self) -> None:
        """Forget the leaders of earlier incarnations."""
        self.verified = (0, 0)
        """(term, index): up to which index its log is known to match that of the leader of that term."""
        self.told = (0, 0)
        """(term, index): the highest leader_commit that reached it in that term, with entries that fit its log."""
        self.heard_commit = 0
        """The highest leader_commit of all leaders, each the newest of its time, whatever its log was then."""
        self.heard_leader = -1.0
        """When a leader of its term last reached it."""
        self.hearings: deque[tuple[float, int]] = deque(maxlen=HEARINGS)
        """When leaders of its terms have reached it lately, and by which RPCs, without those that it has refused with a
        newer term than theirs: when it answered it did not follow that leader."""
        self.heard_leader_of = 0
        """The highest term whose leader reached it."""
        self.follows_since = 0.0
        """When that leader first reached it."""
        self.last_before: tuple[int, int | None] = (0, 0)
        """Index and term of the last entry on its disk at that moment."""
        self.followed = 0
        """The highest term whose leader it answered with success."""
        self.accepted: list[tuple[int, list[int]]] = []
        """The entries of that term that it acknowledged while other requests waited: index before, and terms.

        Answers may leave in another order than that in which the requests were handled.
        """
