"""Networks that stand elsewhere: in files of NIR, in files of models, in modules of torch."""

from __future__ import annotations

import warnings
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypeGuard

from torch import nn

from workbench.exchange import Example, from_nir, load_model, read_module
from workbench.model import Model, require_network
from workbench.network import Network
from workbench.validation import require_whole

if TYPE_CHECKING:
    from nir import NIRGraph

    Source: TypeAlias = Network | str | PathLike[str] | NIRGraph | nn.Module

MODEL_FILE = ".safetensors"


class FoundNetwork(NamedTuple):
    """A network, in how many ticks a frame its delays are, and what is to be said of where it was read."""

    network: Network
    ticks_per_frame: int
    remarks: str


def find_network(source: Source, ticks_per_frame: int | None, example: Example | None) -> FoundNetwork:
    """The network that is given, or that a file or a module holds; ValueError, with the cure, for anything else."""
    if ticks_per_frame is not None:
        ticks_per_frame = require_whole("figures.network: ticks_per_frame", ticks_per_frame)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = _read(source, example)
    place = str(Path(source)) if isinstance(source, str | PathLike) else "this graph"  # as `wb.from_nir` says it
    said = [str(warning.message).removeprefix(f"{place}: ") for warning in caught]
    remarks = "".join(f" {words[0].upper()}{words[1:]}." for words in (found.remarks, *said) if words)
    return found._replace(remarks=remarks, ticks_per_frame=ticks_per_frame or found.ticks_per_frame)


def _read(source: Source, example: Example | None) -> FoundNetwork:
    if isinstance(source, nn.Module) and not isinstance(source, Model):
        return FoundNetwork(_read_module(source, example), 1, f"read from the module {type(source).__name__}")
    if example is not None:
        raise ValueError("figures.network: example= is what a torch.nn.Module takes; leave it out for anything else")
    if isinstance(source, str | PathLike):
        network, ticks_per_frame = _read_file(Path(source))
        return FoundNetwork(network, ticks_per_frame, f"read from the file {Path(source).name}")
    if _is_nir_graph(source):
        network, ticks_per_frame = _read_nir(source)
        return FoundNetwork(network, ticks_per_frame, "read from a graph of NIR")
    return FoundNetwork(require_network(source, "figures.network"), 1, "")


def _read_module(module: nn.Module, example: Example | None) -> Network:
    """The graph of a module, whose max pools are drawn as average pools; a warning names them."""
    if example is None:
        raise ValueError(
            f"figures.network: a torch.nn.Module is read with an example of what it takes; give example=torch.zeros(1, "
            f"*shape) for {type(module).__name__}"
        )
    return read_module(module, example, max_pooling="average")


def _read_file(path: Path) -> tuple[Network, int]:
    """The network in a file, and its ticks per frame."""
    if path.suffix.lower() == MODEL_FILE:
        model = load_model(path)
        return model.network, model.ticks_per_frame
    return _read_nir(path)


def _read_nir(source: Path | NIRGraph) -> tuple[Network, int]:
    try:
        model = from_nir(source)
    except ValueError as error:
        raise ValueError(
            f"{error} (figures.network draws files of wb.save_model, which end in {MODEL_FILE}, and reads others by "
            "wb.from_nir without options; with some, draw wb.from_nir(path, ...).network)"
        ) from error
    return model.network, model.ticks_per_frame


def _is_nir_graph(source: Any) -> TypeGuard[NIRGraph]:
    """Whether it is a `nir.NIRGraph`, without an import of the package."""
    return any((kind.__module__.split(".")[0], kind.__name__) == ("nir", "NIRGraph") for kind in type(source).__mro__)
