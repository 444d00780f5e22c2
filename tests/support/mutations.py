"""Files and plain data broken at random, the same for the same seed: bytes, JSON, and tensors."""

from __future__ import annotations

import copy
import json
from typing import Any

import numpy as np
import torch

EXTREMES = [0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 2**63 - 1, 2**64 - 1]

# bytes


def flip(rng, data):
    for place in rng.integers(0, len(data), rng.integers(1, 9)):
        data[place] ^= 1 << int(rng.integers(8))


def cut(rng, data):
    first, last = sorted(rng.integers(0, len(data) + 1, 2).tolist())
    del data[first : last if rng.random() < 0.5 else None]


def insert(rng, data):
    place = int(rng.integers(len(data) + 1))
    data[place:place] = rng.bytes(int(rng.integers(1, 40)))


def duplicate(rng, data):
    first, last = sorted(rng.integers(0, len(data) + 1, 2).tolist())
    place = int(rng.integers(len(data) + 1))
    data[place:place] = data[first:last]


def swap(rng, data):
    a, b, c, d = sorted(rng.integers(0, len(data) + 1, 4).tolist())
    data[a:d] = data[c:d] + data[b:c] + data[a:b]


def overwrite(rng, data):
    """A number of some width that is as large or as small as it can be, or any other."""
    width = int(rng.choice([1, 2, 4, 8]))
    value = int(rng.choice(np.array(EXTREMES, dtype=np.uint64))) if rng.random() < 0.7 else int(rng.integers(2**16))
    place = int(rng.integers(len(data)))
    data[place : place + width] = (value % 2 ** (8 * width)).to_bytes(width, str(rng.choice(["little", "big"])))


def edit_header(rng, data):
    """Another byte, digit or line in the first bytes."""
    place = int(rng.integers(min(len(data), 300)))
    data[place : place + int(rng.integers(3))] = bytes(rng.choice(list(b'0123456789#%\r\n<>"{}(),;=x \x00\xff'), 2))


def blank(rng, data):
    first, last = sorted(rng.integers(0, len(data) + 1, 2).tolist())
    data[first:last] = bytes([int(rng.choice([0, 255, 35, 37, 240]))]) * (last - first)


def scramble(rng, data):
    """Nothing but noise from some byte on."""
    place = int(rng.integers(len(data)))
    data[place:] = rng.bytes(len(data) - place)


MUTATIONS = (scramble, flip, cut, insert, duplicate, swap, overwrite, overwrite, edit_header, edit_header, blank)


def mutate(rng, data):
    """The bytes after one to three mutations, mostly one."""
    data = bytearray(data)
    for _ in range(int(rng.choice([1, 1, 1, 2, 3]))):
        if data:
            MUTATIONS[int(rng.integers(len(MUTATIONS)))](rng, data)
    return bytes(data)


# plain data

HOSTILE: list[Any] = [
    0, 1, -1, 2, 3, 2**31, 2**53, 2**63 - 1, 2**63, 10**12, 10**18, 10**40, 10**400,
    0.0, -0.0, 0.5, 1.0, -1.5, 1e-320, 1e308, float("nan"), float("inf"), float("-inf"),
    "", "0", "1", "x", "a\x00b", "\ud800", "in", "out", "x" * 5000, True, False, None,
    [], {}, [[]], {"type": "Conv"}, {"": {}}, [0] * 5, ["x"] * 40,
]  # fmt: skip
"""What stands in place of a value: as large, as small and as odd as it can be."""


def choose_hostile(rng: np.random.Generator) -> Any:
    """One of them, which nothing else holds."""
    return copy.deepcopy(HOSTILE[int(rng.integers(len(HOSTILE)))])


def nest(rng: np.random.Generator) -> Any:
    """Lists or objects within each other, some of them, or as many as break a stack."""
    data: Any = 1
    for _ in range(int(rng.choice([3, 50, 70, 200, 900]))):
        data = [data] if rng.random() < 0.5 else {"operations": data}
    return data


def find_places(data: Any) -> list[tuple[Any, Any]]:
    """Every list or object with every key in it."""
    found, waiting = [], [data]
    while waiting:
        outer = waiting.pop()
        if isinstance(outer, dict | list):
            keys = list(outer) if isinstance(outer, dict) else range(len(outer))
            found += [(outer, key) for key in keys]
            waiting += [outer[key] for key in keys]
    return found


def mutate_value(rng: np.random.Generator, value: Any) -> Any:
    """Another value in place of one; in a text that is JSON itself, as networks are in model files, one place of it."""
    if isinstance(value, str) and value.startswith("{") and rng.random() < 0.9:
        return write_json(mutate_data(rng, json.loads(value)))
    kind = int(rng.integers(8))
    if kind == 0:
        return nest(rng)
    if kind == 1 and isinstance(value, list):
        return value * int(rng.choice([2, 30])) if len(value) < 30 and rng.random() < 0.5 else value[:-1]
    if kind in (2, 3) and isinstance(value, int | float) and abs(value) < 1e300:
        return value + int(rng.choice([-2, -1, 1, 2])) if kind == 2 else value * float(rng.choice([-1, 0.5, 2, 1e9]))
    if kind == 4 and isinstance(value, str):
        return value[: int(rng.integers(len(value) + 1))] + str(rng.choice(["", "s", "."]))
    return choose_hostile(rng)


def mutate_data(rng: np.random.Generator, data: Any) -> Any:
    """The data with one to three places changed: values, names, what is there at all."""
    data = json.loads(json.dumps(data))
    for _ in range(int(rng.choice([1, 1, 1, 2, 3]))):
        places = find_places(data)
        if not places:
            return data
        outer, key = places[int(rng.integers(len(places)))]
        kind = int(rng.integers(10))
        if kind == 0:
            del outer[key]
        elif kind == 1 and isinstance(outer, dict):
            outer[str(rng.choice(["x", key + "s", key.upper(), "", "type"]))] = outer.pop(key)
        elif kind == 2 and isinstance(outer, dict):
            outer[str(rng.choice(["more", "silence", "seed"]))] = choose_hostile(rng)
        elif kind == 3:
            other, place = places[int(rng.integers(len(places)))]
            copied = json.dumps(other[place])
            outer[key] = json.loads(copied) if len(copied) < 10_000 else 0
        else:
            outer[key] = mutate_value(rng, outer[key])
    return data


def write_json(data: Any) -> str:
    """As JSON, whatever it holds, as deep as it is."""
    try:
        return json.dumps(data)
    except RecursionError:
        return "[" * 5000


def say_twice(rng: np.random.Generator, text: str) -> str:
    """A text of JSON in which an object says one of its names twice."""
    places = [place for place, letter in enumerate(text) if letter == "{"]
    place = places[int(rng.integers(len(places)))]
    name = text[place + 1 :].partition(":")[0] or '"a"'
    return f"{text[: place + 1]}{name}: 0, {text[place + 1 :]}"


# tensors


def mutate_tensors(rng: np.random.Generator, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The tensors with one of them missing, renamed, added, of another shape or type, or with a number that is odd."""
    tensors = {name: values.clone() for name, values in tensors.items()}
    name = str(rng.choice(list(tensors)))
    values, kind = tensors[name], int(rng.integers(8))
    if kind == 0:
        del tensors[name]
    elif kind == 1:
        tensors[str(rng.choice(["x", "gains.0", "gains.99", "gains.01", "gains.x", f"{name}.0"]))] = tensors.pop(name)
    elif kind == 2:
        tensors[str(rng.choice(["x", "gains.0", "gains.1", "gains.-1", f"{name}s"]))] = values.clone()
    elif kind == 3:
        types = [torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int8, torch.bool, torch.complex64]
        tensors[name] = values.to(types[int(rng.integers(len(types)))])
    elif kind == 4:
        shapes = [values.reshape(-1), values.unsqueeze(0), values.reshape(-1)[:1], values.reshape(-1)[:0]]
        tensors[name] = shapes[int(rng.integers(len(shapes)))].clone()
    elif kind == 5 and values.ndim:
        tensors[name] = torch.cat([values, values[:1]])
    else:
        odd = [float("nan"), float("inf"), -1.0, 0.0, 1e30, -1e-40, 0.1]
        flat = values.reshape(-1)
        if flat.is_floating_point() and flat.numel():
            flat[int(rng.integers(flat.numel()))] = odd[int(rng.integers(len(odd)))]
        elif flat.numel():
            flat[0] = int(rng.choice([-1, -(2**63), 2**62, 7]))
    return tensors
