"""A workbench for spiking networks that live in time: describe, unroll, train, convert, simulate, count, look."""

from workbench import threads  # noqa: F401  # it sets what torch reads when it is loaded, so it comes first
from workbench.analysis import diagnose, trace_membrane, trace_recording
from workbench.conversion import convert
from workbench.display import install_display
from workbench.engine import IntegrateAndFire, LeakyIntegrateAndFire, QuantisedReLU, ReLU
from workbench.evaluation import (
    PRESETS,
    EnergyPreset,
    calibrate_exit,
    compare,
    count_confusions,
    count_updates,
    criticise,
    evaluate,
    measure_latency,
    operations,
    tabulate_recall,
)
from workbench.events import Camera, Dataset, Recordings, formats, load, transforms
from workbench.exchange import (
    compare_nir,
    describe_model_file,
    from_nir,
    from_nir_data,
    from_torch,
    load_model,
    load_stream,
    requirements,
    save_model,
    save_stream,
    to_nir,
    to_nir_data,
    to_torch,
)
from workbench.model import Model
from workbench.network import (
    Chain,
    Conv,
    Conv1d,
    Dense,
    Edge,
    GlobalPool,
    Identity,
    Network,
    Pool,
    Rollout,
    architectures,
    count_rollouts,
)
from workbench.sweeps import sweep
from workbench.training import fine_tune, train

__version__ = "0.1.0"

__all__ = [
    # describe
    "Network", "Edge", "Conv", "Conv1d", "Dense", "Pool", "GlobalPool", "Identity", "Chain",
    "ReLU", "QuantisedReLU", "IntegrateAndFire", "LeakyIntegrateAndFire", "architectures",
    # unroll
    "Rollout", "count_rollouts",
    # recordings
    "load", "Dataset", "Recordings", "Camera", "formats", "transforms",
    # train, convert, keep
    "Model", "train", "convert", "fine_tune", "save_model", "load_model", "describe_model_file",
    "save_stream", "load_stream",
    # networks of others, simulators, chips
    "from_torch", "to_torch", "to_nir", "from_nir", "compare_nir", "to_nir_data", "from_nir_data", "requirements",
    # evaluate
    "evaluate", "compare", "operations", "count_updates", "count_confusions", "tabulate_recall",
    "criticise", "EnergyPreset", "PRESETS",
    # answer at any time
    "calibrate_exit", "measure_latency",
    # beyond one model, and one machine
    "sweep",
    # look inside
    "diagnose", "trace_recording", "trace_membrane",
]  # fmt: skip


def __dir__() -> list[str]:
    """What users need, and nothing that lies here by the way."""
    return [*__all__, "__version__"]


install_display((Network, Rollout, Recordings, Dataset, Model))
