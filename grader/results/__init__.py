"""The results: the outcome of a grading as data, and everything made from it for people and other systems."""
