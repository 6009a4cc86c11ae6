"""Shows what Raft cannot do: `python -m handouts.demos byzantine`, `python -m handouts.demos stale-read`."""
