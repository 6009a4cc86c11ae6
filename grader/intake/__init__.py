"""The intake: takes the files of a submission, in a child with limits of its own, and executes nothing of it."""
