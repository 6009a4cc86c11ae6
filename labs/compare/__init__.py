"""Compares two runs: up to where they are alike, and what each does from there on."""
