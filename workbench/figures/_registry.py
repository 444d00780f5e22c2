"""The functions of `workbench.figures`: each registers itself, in the module that defines it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])

FIGURES: dict[str, Callable[..., Any]] = {}
"""What `workbench.figures` shows, by name."""


def public(function: Function) -> Function:
    """A decorator: show this function as `workbench.figures.<its name>`; ValueError where the name is taken.

    >>> from workbench import figures
    >>> from workbench.figures._registry import FIGURES
    >>> FIGURES["accuracy"] is figures.accuracy
    True
    """
    taken = FIGURES.setdefault(function.__name__, function)
    if taken.__module__ != function.__module__:
        raise ValueError(f"{function.__module__}: figures.{function.__name__} is in {taken.__module__} already")
    return function
