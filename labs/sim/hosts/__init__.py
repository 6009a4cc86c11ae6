"""Hosts run servers: all in one process, or each in a process of its own."""
