"""The inference tableau: the update by which each node is computed in each frame."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from workbench.analysis import find_kind
from workbench.figures._figure import Figure
from workbench.figures._registry import public
from workbench.figures._style import FAINT, QUIET, SEQUENCE, dress, ink_on, shade
from workbench.figures._words import brief, whole
from workbench.model import require_rollout
from workbench.network import Rollout

NUMBERED = 24  # nodes and frames up to which every cell shows its number


@public
def tableau(rollout: Rollout) -> go.Figure:
    """Nodes (upwards) times frames, in each cell the update T after which the value is known.

    Cells that are silent, before their node's first response, are struck through.

    >>> from workbench import Rollout, figures
    >>> network = Network({"eye": (1,)}, [Edge("eye", "hand", Dense(1))])
    >>> figures.tableau(Rollout(network, frames=3)).data[0].z.tolist()
    [[0.0, 0.0, 0.0], [nan, 1.0, 1.0]]
    """
    rollout = require_rollout(rollout, "figures.tableau")
    network, first = rollout.network, rollout.first_response
    updates = np.array(rollout.tableau, dtype=np.float32).T  # (node, frame)
    silent = np.array([[frame < first[node] for frame in range(rollout.frames)] for node in network.nodes])
    height_px = min(max(34 * len(network.nodes), 90), 900)
    figure = Figure([_cells(rollout, updates, silent), _silence(rollout, silent, height_px)])
    if len(network.nodes) <= NUMBERED and rollout.frames <= NUMBERED:
        figure.add_trace(_numbers(updates, silent))
    every = max(1, round(18 * len(network.nodes) / height_px))
    figure.update_yaxes(
        title_text="node",
        tickvals=list(range(0, len(network.nodes), every)),
        ticktext=[brief(node) for node in network.nodes[::every]],
    )
    figure.update_xaxes(title_text="frame", tickvals=list(range(0, rollout.frames, max(1, rollout.frames // 24))))
    figure.update_xaxes(showgrid=False, showline=False, ticks="", range=[-0.5, rollout.frames - 0.5])
    figure.update_yaxes(showgrid=False, showline=False, ticks="", range=[-0.5, len(network.nodes) - 0.5])
    name = find_kind(rollout)
    factor, output = rollout.inference_factor, network.output
    title = f"Tableau of the {name} rollout: inference factor {factor}"
    words = "Number and shade: the update T after which a value is known. Struck through: silent."
    begins = f"{brief(output)} answers from frame {first[output]}"
    alt = f"{title}; {len(network.nodes)} nodes, {rollout.frames} frames, {begins}."
    return dress(figure, title, words, alt, 152 + height_px)


def _cells(rollout: Rollout, updates: np.ndarray, silent: np.ndarray) -> go.Heatmap:
    shades = [[i / (len(SEQUENCE) - 1), colour] for i, colour in enumerate(SEQUENCE)]
    hover = [
        [
            f"<b>{whole(node)}</b>, frame {frame}<br>T = {updates[row, frame]:.0f}"
            + ", silent" * int(silent[row, frame])
            for frame in range(rollout.frames)
        ]
        for row, node in enumerate(rollout.network.nodes)
    ]
    gap = 2 if rollout.frames <= 100 else 0
    return go.Heatmap(
        name="T",
        z=np.where(silent, np.float32(np.nan), updates),
        zmin=0,
        zmax=max(1.0, float(updates.max())),
        colorscale=shades,
        showscale=False,
        xgap=gap,
        ygap=gap,
        hovertext=hover,
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _silence(rollout: Rollout, silent: np.ndarray, height_px: float) -> go.Scatter:
    rows, frames = np.nonzero(silent)
    cell_px = min(height_px / len(rollout.network.nodes), 790 / rollout.frames)
    return go.Scatter(
        name="silent",
        mode="markers",
        x=frames.astype(np.int16),
        y=rows.astype(np.int16),
        marker={"symbol": "line-ne-open", "size": 0.8 * cell_px, "color": FAINT, "line": {"width": 1.2}},
        hoverinfo="skip",
        showlegend=False,
    )


def _numbers(updates: np.ndarray, silent: np.ndarray) -> go.Scatter:
    rows, frames = np.indices(updates.shape).reshape(2, -1)
    largest = float(updates.max())
    inks = [
        QUIET if quiet else ink_on(shade(value, max(1.0, largest)))
        for value, quiet in zip(updates.flat, silent.flat, strict=True)
    ]
    return go.Scatter(
        name="numbers",
        mode="text",
        x=frames.astype(np.int16),
        y=rows.astype(np.int16),
        text=[f"{value:.0f}" for value in updates.flat],
        textfont={"size": 14, "color": inks},
        hoverinfo="skip",
        showlegend=False,
    )
