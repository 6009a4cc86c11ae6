"""Servers and submissions that are known to be wrong, unusual, careless or hostile."""
