"""The commands of the grader, each in a module of its own: `add_options(parser)`, and `run(options) -> exit code`.

Only the requested one is imported (grader.cli), and the modules for its work only when it runs.
"""
