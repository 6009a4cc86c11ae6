"""The intake: reads the files of a submission, in a child with limits of its own, and executes none of them."""
