"""Write docs/exchange.md: `python -m benchmarks.exchange`, in an environment with the simulators (`make exchange`)."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor

import workbench as wb
from benchmarks.exchange.files import TICKS, draw_ticks, list_files
from benchmarks.exchange.models import measure_import, train_digits
from benchmarks.exchange.peers import PEERS, RefusedError, run_peer, tell_version
from benchmarks.tables import markdown
from workbench.machine import describe_machine

PAGE = Path(__file__).parents[2] / "docs" / "exchange.md"
TEXT = Path(__file__).with_name("page.md")
WIDTHS = (None, 8, 6, 5, 4, 3)
KEYS = {
    "tick_s, ticks_per_frame": ("the graph", "seconds of a tick; ticks of a frame"),
    "bias_begins": ("the graph", "biases begin with a node's first response, in NIR with the first tick"),
    "output, input_counts": ("the graph", "which Output answers; events a tick and pixel up to which sums are exact"),
    "bits": ("a neuron, the Output", "all numbers of the node are whole multiples of 2^-bits"),
    "reset": ("a neuron", "`subtract` the threshold; NIR resets to v_reset"),
    "start, floor, saturation": ("a neuron", "where the membrane begins, and its limits, in thresholds"),
    "burst, signed, membrane, bias": ("a neuron", "spikes a tick, spikes taken back, what a frame's begin does"),
    "emission, remainder, cap, ticks_per_frame": ("a neuron", "that it counts for a frame before it sends"),
    "resolution": ("a leaky neuron", "in which steps its membrane leaks"),
    "kernel, padding, groups": ("a convolution", "what it was before it was filled up to a square one of one group"),
    "padding_named, gain": (
        "a convolution, a Scale",
        "how the edge was written here; changes nothing that is computed",
    ),
}
CHOICES = {
    "SpikingJelly": ("plain: reset to 0", {}),
    "norse": ("plain: reset to 0", {"strict_threshold": True}),
}


def tabulate_agreement() -> pd.DataFrame:
    """A row for each file, a column for each simulator: shares of places with equal spikes, layer by layer."""
    ticks, rows = draw_ticks(), []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "snn.nir"
        for name, make in list_files().items():
            model = make()
            wb.to_nir(model, path)
            ours = model.run(ticks)
            row = {"SNN": name, "wb.from_nir": _agree(ours, wb.from_nir(path).run(ticks), model)}
            for peer in PEERS:
                try:
                    row[peer] = _agree(ours, run_peer(peer, path, ticks, list(model.network.hidden)), model)
                except RefusedError as error:
                    row[peer] = str(error).replace("|", "/")
            rows.append(row)
    return pd.DataFrame(rows).set_index("SNN")


def tell_choices() -> str:
    """With which options our import gives what a simulator gives, in words, checked spike by spike."""
    ticks, told = draw_ticks(), []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "snn.nir"
        for peer, (name, options) in CHOICES.items():
            model = list_files()[name]()
            wb.to_nir(model, path)
            read = wb.from_nir(path, metadata=False, **options)
            theirs = run_peer(peer, path, ticks, list(model.network.hidden))
            words = ", ".join(["metadata=False", *(f"{option}={value}" for option, value in options.items())])
            told.append(f"`{words}` equals {peer} in {_agree(read.run(ticks), theirs, model)}")
    return "; ".join(told)


def _agree(ours: dict[str, Tensor], theirs: dict[str, Tensor], model: wb.Model) -> str:
    """Shares of places with equal spikes, layer by layer, cut off and not rounded."""
    shares = []
    for node in model.network.hidden:
        mine = ours[node].flatten(1)
        equal = mine == theirs[node].flatten(1)
        shares.append("100" if bool(equal.all()) else f"{int(1000 * equal.double().mean()) / 10:.1f}")
    return " / ".join(shares) + " %"


def tabulate_drift(snn: wb.Model, digits: wb.Dataset) -> pd.DataFrame:
    """The drift report of the digits, in short."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "snn.nir"
        wb.to_nir(snn, path)
        drift = wb.compare_nir(path, digits, progress=False)
    shown = drift.drop(columns="remarks").set_index(["reading", "node"])
    return shown.map(lambda value: "" if pd.isna(value) else f"{value:,}")


def tabulate_bits(ann: wb.Model, digits: wb.Dataset) -> tuple[pd.DataFrame, wb.Model]:
    """A row for each width of weights, and the SNN with 8 bits."""
    rows, kept = [], {}
    for width in WIDTHS:
        snn = kept[width] = wb.convert(ann, digits, percentile=99.9, weight_bits=width, progress=False)
        accuracy = wb.evaluate(snn, digits, progress=False)["accuracy"]
        needed = wb.requirements(snn).set_index("node")
        rows.append(
            {
                "weight_bits": "as fine as sums are exact" if width is None else width,
                "bits that its weights take": needed.loc["total", "weight_bits"],
                "accuracy": f"{100 * accuracy:.1f} %",
                "answers moved": f"{100 * snn.grid.moved:.2g} % of their variance",
            }
        )
    return pd.DataFrame(rows).set_index("weight_bits"), kept[8]


def main() -> None:
    """Run everything, write the page, print it."""
    torch.manual_seed(0)
    ann, digits = train_digits()
    bits, snn = tabulate_bits(ann, digits)
    required = wb.requirements(snn, chip="loihi2")
    page = TEXT.read_text(encoding="utf-8").format(
        machine=describe_machine(),
        versions=", ".join(map(tell_version, PEERS)) + f", {tell_version('nir')}",
        metadata=markdown(pd.DataFrame(KEYS, index=["stands in", "says"]).T.rename_axis("field")),
        count=len(list_files()),
        ticks=TICKS,
        agreement=markdown(tabulate_agreement()),
        choices=tell_choices(),
        snn=f"{len(snn.network.nodes)} nodes, {snn.ticks_per_frame} ticks per frame, weights of 8 bits",
        drift=markdown(tabulate_drift(snn, digits)),
        recordings=len(digits.test),
        bits=markdown(bits),
        source=required.attrs["chip"].source,
        requirements=markdown(required.set_index("node")),
        **measure_import(),
    )
    PAGE.write_text(page, encoding="utf-8")
    print(page)


if __name__ == "__main__":
    main()
