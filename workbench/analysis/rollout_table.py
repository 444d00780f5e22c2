"""A rollout in numbers: of which kind it is, when each node is computed, and who depends on whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.network import Place, Rollout

if TYPE_CHECKING:
    import pandas as pd


def find_kind(rollout: Rollout) -> str:
    """The rollout's kind: "streaming", "sequential" or, where some connections take time and others none, "hybrid".

    >>> find_kind(Rollout(Network({"eye": (1,)}, [Edge("eye", "hand", Dense(1))]), frames=2))
    'streaming'
    """
    network = rollout.network
    if all(edge.delay >= 1 for edge in network.edges):
        return "streaming"
    return "sequential" if network == network.sequential() else "hybrid"


def find_roles(rollout: Rollout, place: Place | None) -> dict[Place, str]:
    """What every (node, frame) is to the chosen one: "self", "past", "future" or "" (neither, or nothing is chosen).

    ValueError for one that is not in the window.

    >>> find_roles(Rollout(Network({"eye": (1,)}, [Edge("eye", "hand", Dense(1))]), frames=2), ("hand", 1))
    {('eye', 0): 'past', ('hand', 0): '', ('eye', 1): '', ('hand', 1): 'self'}
    """
    if place is None:
        return dict.fromkeys(rollout.places, "")
    past, future = rollout.past(*place), rollout.future(*place)
    return {
        other: "self" if other == place else "past" if other in past else "future" if other in future else ""
        for other in rollout.places
    }


def tabulate_rollout(rollout: Rollout, place: Place | None = None) -> pd.DataFrame:
    """When each node of a rollout is computed: one row per node and frame.

    Columns: rollout (its kind), node, frame, T (the update after which it is known), first_response (of the node, in
    frames), lit (what it is to the (node, frame) `place`: past, future, self, or none).

    >>> rollout = Rollout(Network({"eye": (1,)}, [Edge("eye", "hand", Dense(1))]), frames=2)
    >>> tabulate_rollout(rollout, ("hand", 1)).query("lit == 'past'")[["node", "frame"]].values.tolist()
    [['eye', 0]]
    """
    import pandas as pd

    kind, column = find_kind(rollout), {node: number for number, node in enumerate(rollout.network.nodes)}
    rows = [
        (kind, node, frame, rollout.tableau[frame][column[node]], rollout.first_response[node], role or "none")
        for (node, frame), role in find_roles(rollout, place).items()
    ]
    return pd.DataFrame(rows, columns=["rollout", "node", "frame", "T", "first_response", "lit"])
