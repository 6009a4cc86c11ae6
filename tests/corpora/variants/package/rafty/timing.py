"""Timeouts, with the modules that one knows from elsewhere."""

# mypy: ignore-errors

import random
import time

LOOK = 0.013
HEARTBEAT = 0.11


class Stopwatch:
    def __init__(self):
        self.restart()

    def restart(self):
        self.started = time.monotonic()
        self.timeout = random.uniform(0.45, 0.9)

    def ran_out(self):
        return time.monotonic() - self.started > self.timeout
