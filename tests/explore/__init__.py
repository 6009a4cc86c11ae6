"""Tests of the explorer: what it draws, how it shrinks, and what it finds."""
