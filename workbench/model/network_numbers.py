"""The numbers of a network: weights, gains, biases and norms, the neurons of its nodes, and the grid they lie on."""

from __future__ import annotations

import copy
from collections.abc import Hashable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self, cast

import torch
from torch import Tensor, nn

from workbench.engine import Bias, Neuron, Norm, require_one_type
from workbench.model.grid import Grid
from workbench.model.input_encoding import InputEncoding
from workbench.model.node_neurons import describe_neurons, require_whole_frames, take_neurons
from workbench.model.parameters import Loaded, draw_weights, load_parameters, make_layers, take_norms
from workbench.model.provenance import Provenance
from workbench.network import Network
from workbench.validation import require_seed, require_whole

if TYPE_CHECKING:
    from workbench.engine import HybridState

Scales = dict[str, float | tuple[float, ...]]  # activity per spike and tick, lambda of each node or of its channels


class NetworkNumbers(nn.Module):
    """What a `Model` consists of; how it runs is another idea."""

    def __init__(
        self,
        network: Network,
        seed: int = 0,
        norm: str | Iterable[str] | None = "batch",
        *,
        neuron: Neuron | Mapping[str, Neuron] | None = None,
        neurons: Mapping[str, Neuron] | None = None,
        ticks_per_frame: int = 1,
        input_factor: float = 1.0,
        input_function: str | None = None,
    ) -> None:
        super().__init__()
        given: object = network
        if not isinstance(given, Network):
            again = isinstance(given, NetworkNumbers)
            cure = "give its graph: wb.Model(model.network)" if again else "give wb.Network(inputs, edges)"
            raise ValueError(f"wb.Model takes a wb.Network, not a {type(given).__name__}; {cure}")
        self.network, self.norm = network, take_norms(network, norm)
        self._keys = {node: str(place) for place, node in enumerate(network.nodes)}  # names may hold dots, keys not
        self.ticks_per_frame = require_whole("ticks_per_frame", ticks_per_frame)
        self.neuron, self.exceptions = take_neurons(network, neuron, neurons)
        require_whole_frames(network, self.latencies)
        self.input_encoding = InputEncoding(input_factor, input_function)
        if self.spiking:
            self.input_encoding.require_unspiking()
        self.trained_network: Network | None = None  # of an SNN: the network its ANN was trained with
        self.scales: Scales | None = None  # of an SNN
        self.conversion_options: Any = None  # of an SNN: how it was converted, a value of the conversion wing
        self.origin: str | None = None  # from which module of others its numbers came, and what was changed, in words
        self.training_recipe: str | None = None  # how it was trained, in words, where it was
        self.grid: Grid | None = None  # of an SNN whose arithmetic is exact
        self.seen: dict[Hashable, HybridState] = {}  # what runs ended with, by which the engine of the next is chosen
        self.checked = b""  # digest of the numbers that were last found to be on the grid
        seed = require_seed(seed)
        self.provenance = Provenance(seed)  # goes with the numbers, wherever they are copied
        valueless = torch.get_default_device().type == "meta"  # where tensors have shapes alone
        generator = None if valueless else torch.Generator().manual_seed(seed)
        self.gains = nn.ParameterDict()  # of edges without weights, once a conversion has scaled them
        bounded = [node for node in network.hidden if self.neuron_of(node).bounded]
        with torch.inference_mode(False):  # its numbers can be used, and learned, wherever it was made
            self.weights = nn.ModuleList(draw_weights(network, generator))
            layers = make_layers(network, self.norm)
            self.nodes = nn.ModuleDict({self._key(node): layer for node, layer in layers.items()})
            self.log_ceilings = nn.ParameterDict({self._key(n): nn.Parameter(torch.zeros(())) for n in bounded})

    @property
    def spiking(self) -> bool:
        """Whether the nodes answer with spikes."""
        return self.neuron.spiking

    @property
    def input_factor(self) -> float:
        """What inputs are multiplied by before the first edges."""
        return self.input_encoding.factor

    @property
    def input_function(self) -> str | None:
        """What is taken of inputs before the first edges: "log1p", "standardise" or None."""
        return self.input_encoding.function

    @property
    def bounded(self) -> bool:
        """Whether every hidden node works in units of a ceiling that it learns."""
        return self.neuron.bounded and all(neuron.bounded for neuron in self.exceptions.values())

    def neuron_of(self, node: str) -> Neuron:
        """The neuron of a hidden node: `neuron`, which most have, unless it is one of the `exceptions`."""
        return self.exceptions.get(node, self.neuron)

    @property
    def node_neurons(self) -> dict[str, Neuron]:
        """The neuron of every hidden node."""
        return {node: self.neuron_of(node) for node in self.network.hidden}

    @property
    def latencies(self) -> dict[str, int]:
        """Steps that nodes take from the first of their drive to their answer, of those that take some."""
        found = {node: self.neuron_of(node).latency for node in self.network.hidden}
        return {node: latency for node, latency in found.items() if latency}

    def executed_delay(self, position: int) -> int:
        """Steps that the edge at this position takes itself: its delay without the latency of its source."""
        edge = self.network.edges[position]
        hidden = edge.source not in self.network.inputs and edge.source != self.network.output
        return edge.delay - (self.neuron_of(edge.source).latency if hidden else 0)

    @property
    def levels(self) -> int | None:
        """Steps between silence and ceiling of the activities of all nodes; None where there are none, or several."""
        found = {self.neuron.activity_levels, *(neuron.activity_levels for neuron in self.exceptions.values())}
        return found.pop() if len(found) == 1 else None

    @property
    def device(self) -> torch.device:
        """Where the numbers are; frames must be there too."""
        return next(self.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        """The type of its numbers, which is that of the frames it takes; ValueError where these are several, or half.

        >>> Model(Network({"image": (1, 4, 4)}, [Edge("image", "class", Dense(2))])).double().dtype
        torch.float64
        """
        return require_one_type(self.named_parameters())

    def ceiling(self, node: str) -> Tensor:
        """The largest activity of a hidden node, which it has learned: only where the neuron has a ceiling."""
        return self.ceiling_parameter(node).exp()

    def ceiling_parameter(self, node: str) -> nn.Parameter:
        """The logarithm of a hidden node's ceiling, which is what it learns."""
        return cast(nn.Parameter, self.log_ceilings[self._key(node)])

    def node_layer(self, node: str) -> Bias | Norm:
        """Bias or norm of a node that is no input."""
        return cast(Bias | Norm, self.nodes[self._key(node)])

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Loaded:
        """What torch's does, in a time that grows with the number of edges and not with its square."""
        return load_parameters(self, state_dict, strict, assign)

    def copy(self) -> Self:
        """An independent copy with the same numbers."""
        with torch.inference_mode(False):
            return copy.deepcopy(self)

    def streaming(self) -> Self:
        """A copy with the same numbers, every connection of which takes time: delay max(1, delay)."""
        return self._on(self.network.streaming())

    def sequential(self) -> Self:
        """A copy with the same numbers in the conventional rollout, as `Network.sequential` has it."""
        return self._on(self.network.sequential())

    def with_delays(self, delays: Mapping[tuple[str, str], int]) -> Self:
        """A copy with the same numbers and new delays, {(source, target): delay}; edges not named keep theirs.

        ValueError for a model that spikes, and for what `Network.with_delays` refuses.

        >>> network = Network({"eye": (2,)}, [Edge("eye", "v1", Dense(3)), Edge("v1", "hand", Dense(1))])
        >>> Model(network).with_delays({("v1", "hand"): 3}).network.first_response["hand"]
        4
        """
        return self._on(self.network.with_delays(delays))

    def _on(self, network: Network) -> Self:
        """A copy on a network that differs in delays alone."""
        if self.spiking:
            raise ValueError(
                "this model spikes: its delays belong to its conversion; change those of the ANN and convert it again, "
                "or convert with delays={(source, target): ticks}"
            )
        other = self.copy()
        other.network = network
        return other

    def __repr__(self) -> str:
        kind = f"SNN, {self.ticks_per_frame} ticks per frame" if self.spiking else "ANN"
        if self.conversion_options:
            kind += f", {self.conversion_options!r}"
        if self.origin:
            kind += f", from {self.origin.partition(':')[0]}"
        if self.training_recipe:
            kind += f", trained with {self.training_recipe}"
        neurons = self.node_neurons
        if self.exceptions or (neurons and not self.conversion_options and not self.neuron.rectifies):
            kind += f", {describe_neurons(neurons)}"
        if not self.input_encoding.plain:
            kind += f", {self.input_encoding}"
        numbers = sum(parameter.numel() for parameter in self.parameters())
        return (
            f"Model({kind}: {len(self.network.nodes)} nodes, {len(self.network.edges)} edges, {numbers:,} parameters, "
            f"{self.network.output!r} answers from step {self.network.first_response_of(self.network.output)})"
        )

    def _key(self, node: str) -> str:
        return self._keys[node]

    def _norms(self) -> list[Norm]:
        return [layer for layer in self.nodes.values() if isinstance(layer, Norm)]
