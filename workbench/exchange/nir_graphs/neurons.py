"""Neurons of NIR and ours: what a node of a file says, and what only its metadata can say."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from functools import singledispatch
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from workbench.engine import IntegrateAndFire, LeakyIntegrateAndFire, Neuron
from workbench.exchange.nir_graphs.files import require_nir
from workbench.network import Shape

if TYPE_CHECKING:
    from nir import NIRNode

Array = NDArray[Any]
ROUNDED = 1e-6  # by how much 1 may be missed in float32
FINE = 20  # binary digits of drives up to which a membrane can be shifted by less than any two of them differ


@dataclass(frozen=True)
class Reading:
    """What a file leaves open: `reset` and `burst` as `from_nir` takes them, None as the file says.

    `tick_s`: seconds of a tick; `metadata`: whether what the workbench wrote beside the nodes counts.
    """

    tick_s: float = 1.0
    reset: str | None = None
    burst: int | None = None
    metadata: bool = True


class ReadNeuron(NamedTuple):
    """A neuron, by what the drive of every unit is multiplied before it, and what is added then; None for neither."""

    neuron: Neuron
    factor: Tensor | None
    bias: Tensor | None


@singledispatch
def write_neuron(neuron: Neuron, node: str, shape: Shape, tick_s: float) -> NIRNode:
    """The node of NIR for a neuron; what NIR has no field for, as metadata; ValueError where NIR knows no such neuron.

    v' = r I, so that with r = 1 / tick a tick adds the drive; a leaky one: tau v' = r I - v, tau = 2^leak ticks.
    """
    raise ValueError(
        f"node {node!r}: NIR has no neuron for {neuron.brief}; use wb.IntegrateAndFire or wb.LeakyIntegrateAndFire"
    )


@write_neuron.register(IntegrateAndFire)
def _(neuron: IntegrateAndFire, node: str, shape: Shape, tick_s: float) -> NIRNode:
    written = _fill(shape, r=1 / tick_s, v_threshold=neuron.threshold, v_reset=0.0)
    built: NIRNode = require_nir().IF(**written, metadata=_describe(neuron, _plain(IntegrateAndFire, neuron)))
    return built


@write_neuron.register(LeakyIntegrateAndFire)
def _(neuron: LeakyIntegrateAndFire, node: str, shape: Shape, tick_s: float) -> NIRNode:
    tau = 2.0**neuron.leak * tick_s
    written = _fill(shape, tau=tau, r=tau / tick_s, v_leak=0.0, v_threshold=neuron.threshold, v_reset=0.0)
    built: NIRNode = require_nir().LIF(**written, metadata=_describe(neuron, _plain(LeakyIntegrateAndFire, neuron)))
    return built


def _plain(kind: type[Any], neuron: IntegrateAndFire | LeakyIntegrateAndFire) -> Neuron:
    """What the node of NIR alone says of a neuron."""
    leak = {"leak": neuron.leak} if isinstance(neuron, LeakyIntegrateAndFire) else {}
    written = float(np.float32(neuron.threshold))  # as the file has it
    plain: Neuron = kind(threshold=written, start=0.0, floor=None, reset="zero", **leak)
    return plain


def _describe(neuron: Neuron, plain: Neuron) -> dict[str, Any]:
    """The options of a neuron that differ from those of a plain one, each by its name."""
    options = {f.name: getattr(neuron, f.name) for f in fields(neuron)}
    differing = {n: v for n, v in options.items() if v is not None and v != getattr(plain, n)}
    return {"workbench": differing} if differing else {}


def _fill(shape: Shape, **values: float) -> dict[str, Array]:
    return {name: np.full(shape, value, dtype=np.float32) for name, value in values.items()}


def read_neuron(node: NIRNode, name: str, reading: Reading) -> ReadNeuron:
    """Our neuron for a node of NIR; ValueError, with node and cure, where there is none.

    Thresholds that differ between units, and a reset to another level than 0, go into the numbers before it: membranes
    are counted from the level of the reset on, in thresholds.
    """
    found = READERS[type(node).__name__](node, name, reading)
    described = dict(node.metadata.get("workbench", {})) if reading.metadata else {}
    options = {option: _as_python(value) for option, value in described.items() if option != "bits"}
    neuron: Any = _with_options(found.neuron, options, name)
    if reading.burst is not None:
        if not isinstance(neuron, IntegrateAndFire):
            raise ValueError(f"node {name!r}: {neuron.brief} sends one spike a tick; leave burst={reading.burst} out")
        neuron = replace(neuron, burst=reading.burst)
    if reading.reset is not None:
        neuron = replace(neuron, reset=reading.reset)
    return found._replace(neuron=neuron)


def _with_options(neuron: Neuron, options: Mapping[str, Any], name: str) -> Neuron:
    """The neuron with the options that the metadata name; ValueError for one that it has not."""
    unknown = set(options) - {f.name for f in fields(neuron)}
    if unknown:
        raise ValueError(f"metadata of node {name!r}: {neuron.brief} has no {', '.join(sorted(unknown))}; leave it out")
    try:
        described: Neuron = replace(neuron, **options)
    except TypeError as error:
        raise ValueError(f"metadata of node {name!r}: {error}; mend them, or read with metadata=False") from error
    return described


def exceed_threshold(neuron: Any, digits: int) -> Neuron:
    """The neuron that fires above its threshold, and not when it is reached, for drives of so many binary digits.

    A membrane that is a whole multiple of 2^-digits lies above the threshold where, less 2^-digits, it reaches it.
    One that is none, or that is reset to 0, gets the next larger threshold of float32.

    >>> exceed_threshold(IntegrateAndFire(start=0.5, floor=None), digits=2)
    IntegrateAndFire(threshold=1.0, start=0.25, floor=None, ...)
    """
    if neuron.reset == "subtract" and digits <= FINE and neuron.threshold == 1:
        step = 2.0**-digits
        floor = None if neuron.floor is None else neuron.floor - step
        shifted: Neuron = replace(neuron, start=neuron.start - step, floor=floor)
        return shifted
    above: Neuron = replace(neuron, threshold=float(np.nextafter(np.float32(neuron.threshold), np.float32(np.inf))))
    return above


def _as_python(value: Any) -> Any:
    """A number or a text of metadata, which come back as numpy's and as bytes."""
    value = value.item() if isinstance(value, np.generic) else value
    return value.decode() if isinstance(value, bytes) else value


def _read_integrate_and_fire(node: Any, name: str, reading: Reading) -> ReadNeuron:
    return _normalise(node, name, node.r * reading.tick_s, IntegrateAndFire(start=0.0, floor=None, reset="zero"))


def _read_leaky(node: Any, name: str, reading: Reading) -> ReadNeuron:
    share = _one(reading.tick_s / _numbers(node.tau, name, "tau"), name, "tau")
    if not 2.0**-23 <= share <= 0.5 + ROUNDED:
        raise ValueError(
            f"node {name!r}: its membrane loses the share tick_s / tau = {share:g} in a tick, which must lie between "
            f"2^-23 and 1/2; give the tick_s= with which the file was made, below tau = {float(np.min(node.tau)):g} s"
        )
    leaky = LeakyIntegrateAndFire(leak=_find_leak(share), start=0.0, floor=None, reset="zero")
    found = _normalise(node, name, node.r * share, leaky, leak_to=node.v_leak, share=share)
    return found


def _find_leak(share: float) -> float:
    """k of a share 2^-k, a whole number where the share is a power of two but for the rounding of float32."""
    exponent = -math.log2(share)
    return round(exponent) if round(exponent) and abs(exponent - round(exponent)) < ROUNDED else exponent


def _read_threshold(node: Any, name: str, reading: Reading) -> ReadNeuron:
    restarting = IntegrateAndFire(start=0.0, floor=None, reset="zero", membrane="frame")  # which forgets every tick
    zeros = np.zeros_like(node.threshold)
    threshold = _numbers(node.threshold, name, "threshold")
    return _scale(name, np.ones_like(threshold), threshold, zeros, restarting)


def _normalise(
    node: Any, name: str, factor: Array, neuron: Any, leak_to: Array | None = None, share: float = 0.0
) -> ReadNeuron:
    threshold, reset = (_numbers(getattr(node, field), name, field) for field in ("v_threshold", "v_reset"))
    bias = None if leak_to is None else share * (_numbers(leak_to, name, "v_leak") - reset)
    return _scale(name, _numbers(factor, name, "r"), threshold, reset, neuron, bias)


def _scale(
    name: str, factor: Array, threshold: Array, reset: Array, neuron: Any, bias: Array | None = None
) -> ReadNeuron:
    """The neuron whose membranes begin at 0 = reset, its threshold 1 unless that of all units is one number."""
    height = threshold - reset
    if not (height > 0).all():
        raise ValueError(f"node {name!r}: v_threshold must lie above v_reset, in every unit; mend the file")
    same = bool((height == height.flat[0]).all()) and not reset.any()
    unit = np.ones_like(height) if same else height
    start = _one((0.0 - reset) / height, name, "v_reset / v_threshold")
    if not start < 1:
        raise ValueError(f"node {name!r}: its membrane begins at 0, above v_threshold; mend the file")
    factor = factor / unit
    factor = np.where(np.abs(factor - 1) < ROUNDED, 1.0, factor)
    neuron = replace(neuron, threshold=float(height.flat[0]) if same else 1.0, start=start)
    return ReadNeuron(
        neuron,
        None if (factor == 1).all() else torch.from_numpy(factor.astype(np.float32)),
        None if bias is None or not bias.any() else torch.from_numpy((bias / unit).astype(np.float32)),
    )


def _numbers(values: Any, name: str, field: str) -> Array:
    """The numbers of a field, which must be finite."""
    numbers = np.asarray(values, dtype=np.float64)
    if not np.isfinite(numbers).all() or not numbers.size:
        raise ValueError(f"node {name!r}: {field} holds numbers that are not finite, or none; mend the file")
    return numbers


def _one(values: Array, name: str, field: str) -> float:
    """What all units share."""
    if not (values == values.flat[0]).all():
        raise ValueError(f"node {name!r}: {field} differs between its units, and a neuron here has one; split the node")
    return float(values.flat[0])


READERS: Mapping[str, Callable[[Any, str, Reading], ReadNeuron]] = {
    "IF": _read_integrate_and_fire,
    "LIF": _read_leaky,
    "Threshold": _read_threshold,
}
