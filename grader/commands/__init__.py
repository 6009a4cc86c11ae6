"""The commands of the grader, each in a module of its own: `add_options(parser)`, and `run(options) -> exit code`.

Only the one that is asked for is imported (grader.cli), and what it needs for its work only when it runs.
"""
