"""Benchmarks as sweeps: a point a seed, its rows side by side as columns; on this machine or on a cluster of dask."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import pandas as pd

import workbench as wb

BETWEEN = " | "


def add_options(parser: argparse.ArgumentParser, store: Path | None = None) -> None:
    """Where a benchmark is swept, and where its finished points are kept, which outlive changes of the code."""
    parser.add_argument(
        "--executor", default="2", help="how many workers of one thread, or a dask scheduler: tcp://... (default: 2)"
    )
    parser.add_argument("--store", type=Path, default=store, help=f"a folder of finished points (default: {store})")


def sweep_rows(
    function: Callable[..., Mapping[str, Any]],
    grid: Mapping[str, Any],
    options: argparse.Namespace,
    shared: Mapping[str, Any],
) -> pd.DataFrame:
    """The points of a benchmark; SystemExit that shows the first error where one failed, the others being kept."""
    table = wb.sweep(function, grid, read_executor(options.executor), options.store, shared=shared)
    failed = table[table["error"] != ""]
    if len(failed):
        raise SystemExit(f"{len(failed)} of {len(table)} points failed, the first so:\n{failed['error'].iloc[0]}")
    return table


def read_executor(text: str) -> Executor | int | str:
    """So many workers of our own, this process ("here"), or those of the dask scheduler at an address.

    >>> read_executor("2"), read_executor("here")
    (2, 'here')
    """
    if "://" in text:
        from distributed import Client

        executor: Executor = Client(text).get_executor()
        return executor
    return int(text) if text.isdecimal() else text


def widen(rows: pd.DataFrame, keys: list[str]) -> dict[str, Any]:
    """Rows side by side: every cell under the values of its keys and the name of its column.

    >>> widen(pd.DataFrame({"model": ["ANN", "SNN"], "accuracy": [0.9, 0.8]}), ["model"])
    {'ANN | accuracy': 0.9, 'SNN | accuracy': 0.8}
    """
    found: dict[str, Any] = {}
    for row in rows.to_dict("records"):
        path = [str(row[key]) for key in keys]
        for column in rows.columns.drop(keys):
            name = BETWEEN.join([*path, str(column)])
            if name in found or name.count(BETWEEN) != len(keys):
                raise ValueError(f"widen: {name!r} is there twice, or a name in it holds {BETWEEN!r}")
            found[name] = row[column]
    return found


def lengthen(table: pd.DataFrame, keys: Mapping[str, type], point: list[str]) -> pd.DataFrame:
    """The rows again, point after point, behind the parameters of their point; keys of the type that is named.

    >>> wide = pd.DataFrame([{"seed": 3, **widen(pd.DataFrame({"k": [4, 8], "accuracy": [0.9, 0.8]}), ["k"])}])
    >>> lengthen(wide, {"k": int}, ["seed"]).to_dict("records")
    [{'seed': 3, 'k': 4, 'accuracy': 0.9}, {'seed': 3, 'k': 8, 'accuracy': 0.8}]
    """
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    wide = [column for column in table.columns if column.count(BETWEEN) == len(keys)]
    for number, record in enumerate(table.to_dict("records")):
        for name in wide:
            *path, column = name.split(BETWEEN)
            values = {key: kind(text) for (key, kind), text in zip(keys.items(), path, strict=True)}
            begin = {name: record[name] for name in point} | values
            rows.setdefault((number, *path), begin)[column] = record[name]
    return pd.DataFrame(list(rows.values()))
