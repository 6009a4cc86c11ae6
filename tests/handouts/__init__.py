"""Tests of the handouts: every command, figure and claim in them."""
