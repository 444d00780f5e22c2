"""Compiled kernels: compiled completely or not at all; where that fails, callers use torch instead."""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Callable
from typing import Any

from workbench.interrupts import holding_interrupts

_NUMBA = ("numba", "llvmlite", "coverage", "yaml")  # and what it imports
_ABSENT = object()
_found: dict[tuple[str, str], Callable[..., None] | None] = {}
_warned: set[str] = set()


def find_kernel(module: str, name: str) -> Callable[..., None] | None:
    """The machine code of a kernel of this module beside it; None where numba or LLVM fails to make it.

    A warning then says so, once for every reason. What failed is not tried again; what was interrupted is: an interrupt
    is raised when the import or the compilation that it interrupted is done, because numba does not survive half of
    either.

    >>> find_kernel("neuron_kernels", "scan_rows") is find_kernel("neuron_kernels", "scan_rows")
    True
    """
    key = module, name
    if key not in _found:
        try:
            with holding_interrupts():
                _found[key] = getattr(_import(f"workbench.engine.kernels.{module}"), name).compiled()
        except Exception as error:  # whatever it is, torch can do without
            _found[key] = None
            _warn_once(name, f"{type(error).__name__}: {error}")
    return _found[key]


def forget_failures() -> None:
    """Try anew what has failed so far, and warn anew."""
    for key in [key for key, kernel in _found.items() if kernel is None]:
        del _found[key]
    _warned.clear()


def _import(module: str) -> Any:
    """The module; where an interrupt elsewhere has left half of numba, which stays broken, numba is imported anew."""
    left = [name for name in sys.modules if name.split(".")[0] in _NUMBA]
    if any(map(_is_stranded, left)):
        for name in left:
            del sys.modules[name]
    return importlib.import_module(module)


def _is_stranded(module: str) -> bool:
    """Whether a module was imported, but not to its end the package that it lies in, which does not know it."""
    package, _, name = module.partition(".")
    parent = sys.modules.get(package, _ABSENT)  # None where its import is forbidden
    return bool(name) and "." not in name and parent is not None and not hasattr(parent, name)


def _warn_once(name: str, reason: str) -> None:
    if reason not in _warned:
        _warned.add(reason)
        warnings.warn(f"numba cannot compile the kernel {name}, torch does it slower ({reason})", stacklevel=3)
