"""Hostile submissions: single files in `hostile`, those of more than one file in `folders` and `archives`."""
