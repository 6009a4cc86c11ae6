"""What a test of Raft controls: a cluster that elects and agrees, or one server among fake peers that speak Raft."""
