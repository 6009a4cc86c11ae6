"""The parts of the server."""

# mypy: ignore-errors
