"""What neuromorphic chips can hold, as data with their sources; a limit that nobody publishes is left out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True)
class Chip:
    """Limits of a chip, None where none is published; `source` says where they are.

    `cores` on the chip; `neurons` and `synapses` of the whole chip; of a core `neurons_per_core`, `weights_per_core`,
    stored once where a convolution shares them, `synapse_bits_per_core`, of weights that are stored for every synapse,
    and `axons_per_core`, sources that may reach it; of a unit `fan_in` and `fan_out`; `weight_bits` of a weight as
    signed integer; `delay`, ticks of an edge; `spikes_per_tick` of a neuron. `node_per_core`: whether a node has to fit
    into one core. ValueError for a limit that is no positive number, and for a chip without a name or source.

    >>> Chip("mine", source="data sheet, table 3", cores=4, neurons_per_core=256).neurons_per_core
    256
    """

    name: str
    source: str
    cores: int | None = None
    neurons: int | None = None
    synapses: int | None = None
    neurons_per_core: int | None = None
    weights_per_core: int | None = None
    synapse_bits_per_core: int | None = None
    axons_per_core: int | None = None
    fan_in: int | None = None
    fan_out: int | None = None
    weight_bits: int | None = None
    delay: int | None = None
    spikes_per_tick: int | None = None
    node_per_core: bool = False

    def __post_init__(self) -> None:
        for text in (self.name, self.source):
            if not isinstance(text, str) or not text:
                raise ValueError(f"chip {self.name!r}, source={self.source!r}: give a name, and where its limits stand")
        for limit, value in self.limits.items():
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not number or not 0 < value < math.inf:
                raise ValueError(f"chip {self.name!r}: {limit}={value!r} must be a positive number; or leave it out")

    @property
    def limits(self) -> dict[str, int]:
        """The limits that are known."""
        found = {name: getattr(self, name) for name in LIMITS}
        return {limit: value for limit, value in found.items() if value is not None}


LIMITS = [f.name for f in fields(Chip) if f.name not in ("name", "source", "node_per_core")]

CHIPS: Mapping[str, Chip] = MappingProxyType(
    {
        "loihi": Chip(
            "loihi",
            source=(
                "Davies et al. 2018, IEEE Micro 38(1):82: 128 cores, weights of 1 to 9 bits; of a core 1,024 "
                "compartments, 4,096 axons in and 1,048,576 bits of synapses, as NengoLoihi 1.1 checks them (block.py)"
            ),
            cores=128,
            neurons_per_core=1024,
            synapse_bits_per_core=1_048_576,
            axons_per_core=4096,
            weight_bits=9,
            spikes_per_tick=1,
        ),
        "loihi2": Chip(
            "loihi2",
            source=(
                "Intel Labs, Technology Brief 'Taking Neuromorphic Computing to the Next Level with Loihi 2', 2021: "
                "128 cores, up to 8,192 neurons each, 1 million neurons and 120 million synapses of a chip"
            ),
            cores=128,
            neurons=1_000_000,
            synapses=120_000_000,
            neurons_per_core=8192,
        ),
        "truenorth": Chip(
            "truenorth",
            source=(
                "Merolla et al. 2014, Science 345:668: 4,096 cores of 256 neurons, each reached by 256 axons of the "
                "core; one spike of a neuron in a tick leads to one core"
            ),
            cores=4096,
            neurons=1_048_576,
            synapses=268_435_456,
            neurons_per_core=256,
            axons_per_core=256,
            fan_in=256,
            fan_out=256,
            spikes_per_tick=1,
        ),
        "speck": Chip(
            "speck",
            source=(
                "sinabs 3.1.3, backend/dynapcnn/chips/dynapcnn.py (Speck and DYNAP-CNN): 9 cores, the largest of "
                "65,536 weights or 65,536 neurons; weights of 8 bits (backend/dynapcnn/discretize.py)"
            ),
            cores=9,
            neurons_per_core=65_536,
            weights_per_core=65_536,
            weight_bits=8,
            node_per_core=True,
        ),
    }
)


def find_chip(chip: str | Chip | Mapping[str, int]) -> Chip:
    """A chip by its name, as it is, or from its limits; ValueError, with those that there are, for an unknown one.

    >>> find_chip({"neurons_per_core": 64}).name
    'as given'
    >>> find_chip("loihi3")
    Traceback (most recent call last):
    ValueError: chip='loihi3' is unknown; choose loihi, loihi2, truenorth, speck, or give its limits: ...
    """
    if isinstance(chip, Chip):
        return chip
    if isinstance(chip, Mapping):
        unknown = [limit for limit in chip if limit not in (*LIMITS, "node_per_core")]
        if unknown:
            raise ValueError(f"chip={{...}} has no limit {unknown[0]!r}; choose from {', '.join(LIMITS)}")
        given: dict[str, Any] = dict(chip)
        return Chip("as given", "limits given by the user", **given)
    if not isinstance(chip, str) or chip not in CHIPS:
        raise ValueError(
            f"chip={chip!r} is unknown; choose {', '.join(CHIPS)}, or give its limits: {{'neurons_per_core': 256, ...}}"
        )
    return CHIPS[chip]
