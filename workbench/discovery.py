"""Packages whose modules register what they define: to add one more is to add a file."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType


def import_rooms(package: str, path: Iterable[str]) -> list[ModuleType]:
    """Import every module that lies in a package, by name; a package calls it with its `__name__` and `__path__`.

    >>> import workbench.engine.neurons as neurons
    >>> names = [module.__name__.split(".")[-1] for module in import_rooms(neurons.__name__, neurons.__path__)]
    >>> names == sorted(names), "rectifiers" in names
    (True, True)
    """
    return [import_module(f"{package}.{name}") for name in sorted(found.name for found in iter_modules(path))]
