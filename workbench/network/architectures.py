"""Networks of the notebooks and of the papers, each a function that returns a value."""

from __future__ import annotations

from itertools import combinations

from workbench.network.graph import Edge, Network
from workbench.network.operations import Chain, Conv, Dense, GlobalPool, Pool, Shape
from workbench.validation import require_whole, whole

__all__ = ["densenet", "dsr", "memory_network", "mnist_network", "shortcut_network", "toy_network"]


def __dir__() -> list[str]:
    """The networks, and nothing that lies here by the way."""
    return __all__


def toy_network(shape: Shape = (2, 8, 8), classes: int = 3, channels: int = 4) -> Network:
    """The smallest network with a shortcut and a loop, every node of full size: notebook 01.

    >>> toy_network().first_response
    {'retina': 0, 'v1': 1, 'v2': 1, 'class': 2}
    """
    _require_whole("toy_network", classes=classes, channels=channels)
    conv = Conv(channels, kernel=3)
    ends = [("retina", "v1"), ("v1", "v2"), ("retina", "v2"), ("v2", "v2")]
    return Network({"retina": shape}, [*(Edge(*pair, conv) for pair in ends), Edge("v2", "class", Dense(classes))])


def shortcut_network(shape: Shape, classes: int, loop: bool = False, width: int = 16) -> Network:
    """Three convolutional nodes in a row and a shortcut around the first two, the same scene, sooner: notebook 02.

    They have `width`, 2 `width` and 2 `width` channels. With `loop` the last of them also receives its own activity of
    one step ago, which is a memory in every rollout. ValueError where classes or width is no whole number of at least
    1.

    >>> shortcut_network((2, 34, 34), classes=10).first_response["class"]
    2
    """
    _require_whole("shortcut_network", classes=classes, width=width)
    edges = [
        Edge("retina", "v1", Conv(width, kernel=5, stride=2)),
        Edge("v1", "v2", Conv(2 * width, kernel=3, stride=2)),
        Edge("v2", "v3", Conv(2 * width, kernel=3)),
        Edge("retina", "v3", Conv(2 * width, kernel=5, stride=4)),
    ]
    if loop:
        edges.append(Edge("v3", "v3", Conv(2 * width, kernel=3)))
    return Network({"retina": shape}, [*edges, Edge("v3", "class", Dense(classes))])


def memory_network(shape: Shape, classes: int, width: int = 12) -> Network:
    """Two convolutional nodes, a shortcut around the first and a loop on the second, which remembers: notebook 03.

    They have `width` and 2 `width` channels. ValueError where classes or width is no whole number of at least 1.

    >>> memory_network((2, 34, 34), classes=8).shapes["v2"]
    (24, 9, 9)
    """
    _require_whole("memory_network", classes=classes, width=width)
    edges = [
        Edge("retina", "v1", Conv(width, kernel=5, stride=2)),
        Edge("v1", "v2", Conv(2 * width, kernel=3, stride=2)),
        Edge("retina", "v2", Conv(2 * width, kernel=5, stride=4)),
        Edge("v2", "v2", Conv(2 * width, kernel=3)),
    ]
    return Network({"retina": shape}, [*edges, Edge("v2", "class", Dense(classes))])


def mnist_network(
    skip: bool = False, loop: bool = False, shape: Shape = (1, 28, 28), classes: int = 10, width: int = 16
) -> Network:
    """The networks of digits: baseline, skip, and with `skip` and `loop` recurrent skip.

    image -> h1 (16 channels at a quarter of the size) -> h2 (128 units) -> class; `skip` leads from h1 to the class,
    `loop` from h1 to itself. Another `width` than the paper's 16 scales both; dropout is left out.

    Source: Fischer, Koehler, Pfeil 2018, arXiv 1806.04965; the graphs that its authors ship with statestream.

    >>> [mnist_network(skip=skip).first_response["class"] for skip in (False, True)]
    [3, 2]
    """
    _require_whole("mnist_network", classes=classes, width=width)
    edges = [Edge("image", "h1", Conv(width, kernel=7, stride=4)), Edge("h1", "h2", Dense(8 * width))]
    if loop:
        edges.append(Edge("h1", "h1", Conv(width, kernel=3)))
    if skip:
        edges.append(Edge("h1", "class", Dense(classes)))
    return Network({"image": shape}, [*edges, Edge("h2", "class", Dense(classes))])


def dsr(
    n: int, shape: Shape = (3, 32, 32), classes: int = 10, *, width: int = 32, stride: int = 1, loop: bool = True
) -> Network:
    """DSRn, n = 0 .. 6: one node at two resolutions each, a loop on the first, and n densely connected nodes more.

    image -> h1 (width channels) [-> h11, h12, h13, densely] -> h2 (2 width at half the size) [-> h21, h22, h23,
    densely] -> hd (16 width at an eighth) -> class. The nodes are added in the order h11, h21, h12, h22, h13, h23.
    Without more words these are the networks of CIFAR-10; `dsr(4, classes=43, loop=False)` is the one of GTSRB.
    Smaller ones, which are ours: fewer channels by `width`, a smaller h1 by the `stride` of its first edge. ValueError
    for any other n, and where classes, width or stride is no whole number of at least 1.

    Source: Fischer, Koehler, Pfeil 2018, arXiv 1806.04965; the graphs that its authors ship with statestream.

    >>> dsr(4).first_response["class"], dsr(0, (2, 34, 34), width=4, stride=2).shapes["hd"]
    (4, (64, 3, 3))
    """
    if whole(n) not in range(7):
        raise ValueError(f"dsr({n!r}): n must be a whole number from 0 to 6")
    _require_whole("dsr", classes=classes, width=width, stride=stride)
    added = ["h11", "h21", "h12", "h22", "h13", "h23"][:n]
    fine = ["h1", *(node for node in added if node.startswith("h1"))]
    coarse = ["h2", *(node for node in added if node.startswith("h2"))]
    edges = [Edge("image", "h1", Conv(width, kernel=5, stride=stride))]
    if loop:
        edges.append(Edge("h1", "h1", Conv(width, kernel=3)))
    edges += [Edge(*pair, Conv(width, kernel=3)) for pair in _densely(fine)]
    edges += [Edge(source, "h2", Conv(2 * width, kernel=3, stride=2)) for source in fine]
    edges += [Edge(*pair, Conv(2 * width, kernel=3)) for pair in _densely(coarse)]
    edges += [Edge(source, "hd", Conv(16 * width, kernel=3, stride=4)) for source in coarse]
    return Network({"image": shape}, [*edges, Edge("hd", "class", Dense(classes))])


def densenet(
    shape: Shape,
    classes: int,
    growth: int = 8,
    depth: int = 3,
    *,
    blocks: int = 2,
    channels: int = 16,
    stride: int = 2,
    compression: float = 0.5,
    read_out: str = "flat",
) -> Network:
    """Dense blocks: every node receives from all nodes before it in its block, so paths of many delays end in each.

    retina -> b1 (`channels`, kernel 5, `stride`); block i is its entry bi and `depth` nodes bi.1, bi.2, ... of `growth`
    channels, kernel 3; a transition pools (2 x 2, average) every node of a block and mixes their channels (kernel 1)
    into the entry of the next block, which has `compression` times as many; class receives from every node of the last
    block. What the papers concatenate and convolve is here a sum of edges, 1 + blocks (depth + 1) (depth + 2) / 2 in
    all; streaming, the first response is at step blocks + 1, the longest path takes blocks (depth + 1) + 1. With
    `read_out="global"` class receives the average of each channel, so that answers do not depend on where. ValueError
    for sizes that are no whole numbers of at least 1, a compression beyond (0, 1], a shape too small for so many
    blocks, an unknown read-out.

    The papers' are dense blocks with growth rate and depth, transitions of convolution and average pooling; ours are
    all sizes, the strided first edge, one norm and neuron a node after its sum (not before each convolution), no
    bottlenecks, and, unless asked otherwise, a flat read-out in place of a global average.

    Source: Kugele, Pfeil, Pfeiffer, Chicca 2020, doi 10.3389/fnins.2020.00439, which leaves sizes open; Huang, Liu, van
    der Maaten, Weinberger 2017, Densely connected convolutional networks, arXiv 1608.06993.

    >>> network = densenet((2, 34, 34), classes=10, growth=4, depth=2)
    >>> len(network.edges), network.first_response["class"], network.shapes["b2"]
    (13, 3, (12, 8, 8))
    >>> densenet((2, 34, 34), classes=10, read_out="global").edges[-1].operation
    Chain(GlobalPool(), Dense(10))
    """
    sizes = {"growth": growth, "depth": depth, "blocks": blocks, "channels": channels, "stride": stride}
    _require_whole("densenet", classes=classes, **sizes)
    if not 0 < compression <= 1:
        raise ValueError(f"densenet: compression={compression!r} must be above 0 and at most 1")
    if read_out not in ("flat", "global"):
        raise ValueError(f'densenet: read_out={read_out!r} is unknown; choose "flat" or "global"')
    answer = Dense(classes) if read_out == "flat" else Chain(GlobalPool(), Dense(classes))
    _require_room("densenet", shape, stride, blocks)
    edges = [Edge("retina", "b1", Conv(channels, kernel=5, stride=stride))]
    for block in range(1, blocks + 1):
        nodes = [f"b{block}", *(f"b{block}.{layer}" for layer in range(1, depth + 1))]
        edges += [Edge(*pair, Conv(growth, kernel=3)) for pair in _densely(nodes)]
        channels = max(1, int(compression * (channels + depth * growth)))
        mix = Chain(Pool(2), Conv(channels, kernel=1))
        last = block == blocks
        edges += [Edge(node, "class" if last else f"b{block + 1}", answer if last else mix) for node in nodes]
    return Network({"retina": shape}, edges)


def _densely(nodes: list[str]) -> list[tuple[str, str]]:
    """Every pair (earlier, later), in the order of the later one."""
    return sorted(combinations(nodes, 2), key=lambda pair: nodes.index(pair[1]))


def _require_whole(function: str, **sizes: int) -> None:
    for name, size in sizes.items():
        require_whole(f"{function}: {name}", size)


def _require_room(function: str, shape: Shape, stride: int, blocks: int) -> None:
    """ValueError unless an image of this shape can be halved once less than there are blocks."""
    if len(shape) != 3:
        raise ValueError(f"{function}: shape={shape!r} must be (channels, height, width), as (2, 34, 34)")
    smallest = -(-min(shape[1:]) // stride)
    room = smallest.bit_length()
    if blocks > room:
        raise ValueError(
            f"{function}: blocks={blocks} halve a side of {smallest} units {blocks - 1} times, which leaves none; use "
            f"at most {room} for the shape {shape} and stride={stride}, or larger frames"
        )
