"""Networks of the notebooks and of the papers, each a function that returns a value."""

from __future__ import annotations

from workbench.graph import Edge, Network
from workbench.ops import Conv, Dense, Shape


def shortcut_network(shape: Shape, classes: int, loop: bool = False) -> Network:
    """Three convolutional nodes in a row and a shortcut around the first two: the same scene, sooner.

    With `loop` the last of them also hears itself one step ago, which is a memory in every rollout.

    >>> shortcut_network((2, 34, 34), classes=10).first_response["class"]
    2
    """
    edges = [
        Edge("retina", "v1", Conv(16, kernel=5, stride=2)),
        Edge("v1", "v2", Conv(32, kernel=3, stride=2)),
        Edge("v2", "v3", Conv(32, kernel=3)),
        Edge("retina", "v3", Conv(32, kernel=5, stride=4)),
    ]
    if loop:
        edges.append(Edge("v3", "v3", Conv(32, kernel=3)))
    return Network(inputs={"retina": shape}, edges=[*edges, Edge("v3", "class", Dense(classes))])


def dsr(n: int, shape: Shape = (3, 32, 32), classes: int = 10) -> Network:
    """DSRn, n = 0 .. 6: one node at two resolutions each, a loop on the first, and n densely connected nodes more.

    image -> h1 (32 channels) [-> h11, h12, h13, densely] -> h2 (64 at half the size) [-> h21, h22, h23, densely]
    -> hd (512 at an eighth) -> class. The nodes are added in the order h11, h21, h12, h22, h13, h23.

    Source: Fischer, Koehler, Pfeil 2018, arXiv 1806.04965.

    >>> dsr(4).first_response["class"]
    4
    """
    if n not in range(7):
        raise ValueError(f"dsr({n!r}): n must be a whole number from 0 to 6")
    added = ["h11", "h21", "h12", "h22", "h13", "h23"][:n]
    fine = ["h1", *(node for node in added if node.startswith("h1"))]
    coarse = ["h2", *(node for node in added if node.startswith("h2"))]
    edges = [Edge("image", "h1", Conv(32, kernel=3)), Edge("h1", "h1", Conv(32, kernel=3))]
    edges += [Edge(source, target, Conv(32, kernel=3)) for source, target in _earlier(fine)]
    edges += [Edge(source, "h2", Conv(64, kernel=3, stride=2)) for source in fine]
    edges += [Edge(source, target, Conv(64, kernel=3)) for source, target in _earlier(coarse)]
    edges += [Edge(source, "hd", Conv(512, kernel=3, stride=4)) for source in coarse]
    return Network(inputs={"image": shape}, edges=[*edges, Edge("hd", "class", Dense(classes))])


def _earlier(nodes: list[str]) -> list[tuple[str, str]]:
    """Every pair (earlier, later)."""
    return [(source, target) for later, target in enumerate(nodes) for source in nodes[:later]]
