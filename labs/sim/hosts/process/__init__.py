"""Servers in processes of their own, forked from a warm one and stepped in lock-step."""
