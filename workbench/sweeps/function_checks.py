"""What is swept: whether a function takes the parameters of its points, and by what it is known again."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from workbench.sweeps.points import ERROR, SEED, Point


def takes_seed(function: Callable[..., Any], names: Sequence[str]) -> bool:
    """Whether each point gets a seed of its own: the function names the argument `seed`, and nobody gives it."""
    found = _read_signature(function)
    return SEED not in names and found is not None and SEED in found.parameters


def require_arguments(
    function: Callable[..., Any], points: Sequence[Point], shared: Mapping[str, Any], seeded: bool
) -> None:
    """ValueError unless the function can be called with the parameters of a point and what all points share."""
    if not callable(function):
        raise ValueError(f"sweep: {function!r} is no function; give what is to be called at every point")
    names = list(points[0].parameters)
    both = [name for name in names if name in shared]
    if both:
        raise ValueError(f"sweep: {', '.join(both)} stands in the grid and in shared; keep one of the two")
    if ERROR in shared:
        raise ValueError("sweep: shared has an argument error, which is the name of a column; give it another name")
    found = _read_signature(function)
    if found is None:
        return
    title = name_function(function)
    kinds = found.parameters.values()
    taken = [p.name for p in kinds if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    if not any(p.kind == p.VAR_KEYWORD for p in kinds):
        unknown = [name for name in (*names, *shared) if name not in taken]
        if unknown:
            raise ValueError(
                f"sweep: {title} does not take {', '.join(unknown)}; it takes {', '.join(taken) or 'nothing'}: name "
                "the parameters of the grid, and shared, after its arguments"
            )
    given = {*names, *shared, *([SEED] if seeded else [])}
    bare = [p.name for p in kinds if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY, p.POSITIONAL_ONLY)
            and p.default is p.empty and p.name not in given]  # fmt: skip
    if bare:
        raise ValueError(
            f"sweep: {title} needs {', '.join(bare)} as well; give values in the grid, or one for all by shared="
        )


def name_function(function: Callable[..., Any]) -> str:
    """The name of a function as a person says it.

    >>> name_function(partial(sorted, reverse=True))
    'sorted'
    """
    while isinstance(function, partial):
        function = function.func
    return str(getattr(function, "__qualname__", type(function).__qualname__)).split("<locals>.")[-1]


def digest_source(function: Callable[..., Any]) -> str:
    """The SHA-256 of a function's source; of its compiled code where there is no source.

    What it calls is not part of it: another sweep follows from another function alone.
    """
    while isinstance(function, partial):
        function = function.func
    source: object = function if hasattr(function, "__code__") else type(function)
    if inspect.isbuiltin(function) or inspect.isclass(function):
        source = function
    try:
        text = inspect.getsource(source).encode()  # type: ignore[arg-type]  # TypeError says that it has none
    except (OSError, TypeError):
        code = getattr(function, "__code__", None)
        text = code.co_code + repr(code.co_names).encode() if code is not None else name_function(function).encode()
    return hashlib.sha256(text).hexdigest()


def _read_signature(function: Callable[..., Any]) -> inspect.Signature | None:
    """Its signature; None for what tells none, as some functions in C."""
    try:
        return inspect.signature(function)
    except (TypeError, ValueError):
        return None
