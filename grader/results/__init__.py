"""The results: what a grading found, as data, and everything that is made from it for people and other systems."""
