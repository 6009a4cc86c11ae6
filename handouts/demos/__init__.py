"""What Raft does not do, shown: `python -m handouts.demos byzantine`, `python -m handouts.demos stale-read`."""
