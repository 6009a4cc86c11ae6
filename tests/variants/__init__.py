"""The corpus of correct but unusual servers. Nobody may find fault with any of them. `corpus()` returns them all.

Most are small named changes to the reference; those that are whole folders here were written from the paper.
"""

from __future__ import annotations

import importlib
import pkgutil
import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.patching import Mutant

HERE = Path(__file__).parent
ALL_STAGES = ("2A", "2B", "2C", "2D")


@dataclass(frozen=True)
class Variant:
    """One server that is correct, but not what one expects."""

    name: str
    unusual: str
    """What is unusual, in a sentence."""
    why: str
    """Why it is correct all the same."""
    changes: tuple[tuple[str, str], ...] = ()
    """What to replace by what in the reference; each old text must stand there exactly once."""
    folder: str = ""
    """The folder beside this file that holds the whole server, if it is no change to the reference."""
    stages: tuple[str, ...] = ALL_STAGES
    """The stages that it has solved: what a student hands in on the way there is correct, too."""

    def write(self, folder: Path) -> Path:
        """Write the server to a folder, as raft.py and what that imports; return the folder."""
        if self.folder:
            without = shutil.ignore_patterns("__pycache__")
            shutil.copytree(HERE / self.folder, folder, dirs_exist_ok=True, ignore=without)
        else:
            Mutant(self.name, self.why, self.stages[0], self.unusual, (), self.changes).write(folder)
        return folder


def corpus() -> list[Variant]:
    """Return all variants: the lists VARIANTS of this package's modules."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.ispkg)
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    return [variant for module in modules for variant in getattr(module, "VARIANTS", ())]
