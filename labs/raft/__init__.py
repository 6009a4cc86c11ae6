"""Everything that is Raft: the rules, the checkers, the stages."""

from labs.raft import protocol as protocol  # any user of a part of the lab can read its messages
