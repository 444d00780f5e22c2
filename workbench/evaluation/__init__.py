"""Run recordings through models, and count: accuracy, operations and energy at every step.

batching           recordings in batches that fit into memory
comparison         `compare`, `operations`, `count_updates`: tidy tables
operation_counts   what every edge and node has to do at every step
memory_accesses    which numbers are read and written for what has been counted
energy             prices of operations, as data with their source
literature_bounds  published bounds on when a spiking network is cheaper, evaluated
confusion_matrix   which class is taken for which, at every step
anytime/           answers before the end: early exit, latency, calibrated confidence
"""

from workbench.evaluation.anytime.early_exit import calibrate_exit
from workbench.evaluation.anytime.latency import measure_latency
from workbench.evaluation.batching import MEMORY_SHARE, batches, bin_batch, choose_batch, require_fit, require_match
from workbench.evaluation.comparison import (
    COMPARISON,
    collect_answers,
    compare,
    count_updates,
    find_mismatch,
    operations,
    run_blocks,
    summarise,
    tabulate_run,
)
from workbench.evaluation.confusion_matrix import count_confusions
from workbench.evaluation.energy import (
    PRESETS,
    EnergyPreset,
    find_break_even,
    find_preset,
    price,
    price_all,
    price_over_time,
)
from workbench.evaluation.literature_bounds import criticise, summarise_bounds
from workbench.evaluation.operation_counts import count_blocks

__all__ = [
    "COMPARISON",
    "EnergyPreset",
    "PRESETS",
    "MEMORY_SHARE",
    "batches",
    "calibrate_exit",
    "choose_batch",
    "collect_answers",
    "compare",
    "count_blocks",
    "count_confusions",
    "count_updates",
    "criticise",
    "bin_batch",
    "find_break_even",
    "find_mismatch",
    "find_preset",
    "price_over_time",
    "measure_latency",
    "operations",
    "price",
    "price_all",
    "require_fit",
    "require_match",
    "run_blocks",
    "summarise",
    "tabulate_run",
    "summarise_bounds",
]
