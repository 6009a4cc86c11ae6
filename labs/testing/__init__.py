"""What a test controls: a cluster, or one server among fake peers; and the run of one test with one seed."""
