"""What shared values hold, as a few digits: by their arrays, fields and texts, not by where they lie in memory."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from itertools import chain
from typing import Any

import numpy as np
import torch

from workbench.sweeps.function_checks import digest_source

LETTERS = 32


def fingerprint(value: Any) -> str:
    """Digits that change when a value changes: numbers, texts, arrays, tensors, modules and whatever is made of them.

    Of objects that hold their state elsewhere, as open files, only the type counts.

    >>> fingerprint({"a": np.arange(3)}) == fingerprint({"a": np.arange(3)}) != fingerprint({"a": np.arange(4)})
    True
    """
    digest = hashlib.sha256()
    for part in _parts(value, ()):
        digest.update(part)
    return digest.hexdigest()[:LETTERS]


def _parts(value: Any, above: tuple[int, ...]) -> Iterator[bytes | memoryview]:
    """The bytes that tell a value from others; `above` are the values around it, which may lie in themselves."""
    yield f"{type(value).__module__}.{type(value).__qualname__}:".encode()
    if id(value) in above:
        return
    inner = (*above, id(value))
    if isinstance(value, bool | int | float | str | bytes | np.generic | None):
        yield repr(value).encode()
    elif isinstance(value, np.ndarray) and value.dtype != object:
        yield f"{value.dtype}{value.shape}".encode()
        yield np.ascontiguousarray(value).reshape(-1).view(np.uint8).data
    elif isinstance(value, torch.Tensor):
        yield f"{value.dtype}{tuple(value.shape)}".encode()
        yield value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data
    elif inspect.isroutine(value) or inspect.isclass(value):
        yield digest_source(value).encode()
    else:
        yield from chain.from_iterable(_parts(item, inner) for item in _divide(value))


def _divide(value: Any) -> Iterator[Any]:
    """What a value is made of."""
    if isinstance(value, torch.nn.Module):
        yield from (repr(value), dict(value.state_dict()))
    elif isinstance(value, Mapping):
        yield from value.items()
    elif isinstance(value, set | frozenset):
        yield from sorted(map(fingerprint, value))
    elif isinstance(value, list | tuple | np.ndarray):
        yield from value
    elif is_dataclass(value):
        yield from ((field.name, getattr(value, field.name)) for field in fields(value))
    elif hasattr(value, "to_dict") and hasattr(value, "columns"):  # a table
        yield value.to_dict("list")
    else:
        yield from getattr(value, "__dict__", {}).items()
