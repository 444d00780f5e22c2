"""Simulators that read files of NIR, each by its own import, run tick by tick, with what every neuron sends."""

from __future__ import annotations

import contextlib
import importlib
import io
import logging
import warnings
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

Raster = dict[str, Tensor]
Execute = Callable[[Path, Tensor, list[str]], Raster]


class RefusedError(Exception):
    """What a simulator says where it does not read or run a file, in short."""


def run_peer(name: str, path: Path, ticks: Tensor, nodes: list[str]) -> Raster:
    """Spikes (tick, unit) of every neuron that a peer makes of a file; `RefusedError` with what it says otherwise."""
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
        try:
            return PEERS[name](path, ticks, nodes)
        except Exception as error:  # whatever it is, it is the answer of the peer, and goes into the table
            raise RefusedError(_shorten(error)) from error
        finally:
            logging.disable(logging.NOTSET)


def tell_version(name: str) -> str:
    """A peer with its version."""
    return f"{name} {version(name.lower())}"


def _shorten(error: Exception) -> str:
    words = " ".join(str(error).split()) or "no word"
    return f"{type(error).__name__}: {words if len(words) <= 90 else words[:87] + '...'}"


def _observe(module: nn.Module, nodes: list[str]) -> Mapping[str, list[Tensor]]:
    """Lists that grow by what every neuron sends when the module runs."""
    sent: dict[str, list[Tensor]] = {node: [] for node in nodes}
    for node, kept in sent.items():
        part = module.get_submodule(node)
        part.register_forward_hook(lambda _, __, out, kept=kept: kept.append(out[0] if isinstance(out, tuple) else out))
    return sent


def _run_ticks(module: nn.Module, ticks: Tensor, nodes: list[str]) -> Raster:
    sent, state = _observe(module, nodes), None
    for now in ticks:
        out = module(now) if state is None else module(now, state)
        state = out[1]
    return {node: torch.stack(values).flatten(1) for node, values in sent.items()}


def _run_sinabs(path: Path, ticks: Tensor, nodes: list[str]) -> Raster:
    module = importlib.import_module("sinabs.nir").from_nir(_read(path), batch_size=1)
    sent = _observe(module, nodes)
    module(ticks.flatten(0, 1))  # all ticks at once, as its squeezed layers want them
    return {node: values[0].flatten(1) for node, values in sent.items()}


def _run_norse(path: Path, ticks: Tensor, nodes: list[str]) -> Raster:
    return _run_ticks(importlib.import_module("norse.torch").from_nir(_read(path), dt=1.0), ticks, nodes)


def _run_snntorch(path: Path, ticks: Tensor, nodes: list[str]) -> Raster:
    module = importlib.import_module("snntorch.import_nir").import_from_nir(_read(path))
    return _run_ticks(module, ticks, nodes)


def _run_spikingjelly(path: Path, ticks: Tensor, nodes: list[str]) -> Raster:
    exchange = importlib.import_module("spikingjelly.activation_based.nir_exchange")
    return _run_ticks(exchange.import_from_nir(_read(path), dt=1.0), ticks, nodes)


def _read(path: Path) -> Any:
    return importlib.import_module("nir").read(path)


PEERS: Mapping[str, Execute] = {
    "sinabs": _run_sinabs,
    "norse": _run_norse,
    "snnTorch": _run_snntorch,
    "SpikingJelly": _run_spikingjelly,
}
