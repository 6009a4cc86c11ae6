"""Machines to try the sandbox on: this one, and others that this one can pretend to be."""
