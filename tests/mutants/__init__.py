"""The corpus of known-wrong servers, by the part of Raft that they break. `corpus()` returns them all."""

from __future__ import annotations

import importlib
import pkgutil

from tests.mutants.patching import Mutant


def corpus() -> list[Mutant]:
    """Return all mutants: the lists MUTANTS of this package's modules."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names if name != "patching"]
    return [mutant for module in modules for mutant in getattr(module, "MUTANTS", ())]
