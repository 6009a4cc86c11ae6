"""Tests of the stages, and of what the corpora of servers earn in them."""
