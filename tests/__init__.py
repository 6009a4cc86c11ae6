"""The tests of labs and grader, the corpus of known-wrong servers, and that of correct but unusual ones."""
