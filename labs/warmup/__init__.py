"""The warm-up: a lab of its own, before Raft, with a finished server to read and to break."""
