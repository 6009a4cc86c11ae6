"""Everything that is Raft: the rules, the checkers, the stages."""
