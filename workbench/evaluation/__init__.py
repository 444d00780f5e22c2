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
from workbench.evaluation.batching import SHARE, batches, choose_batch, feed_ticks, require_fit, require_match
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
    follow_prices,
    price,
    price_all,
)
from workbench.evaluation.literature_bounds import criticise, tell_critics
from workbench.evaluation.operation_counts import count_blocks

__all__ = [
    "COMPARISON",
    "EnergyPreset",
    "PRESETS",
    "SHARE",
    "batches",
    "calibrate_exit",
    "choose_batch",
    "collect_answers",
    "compare",
    "count_blocks",
    "count_confusions",
    "count_updates",
    "criticise",
    "feed_ticks",
    "find_break_even",
    "find_mismatch",
    "find_preset",
    "follow_prices",
    "measure_latency",
    "operations",
    "price",
    "price_all",
    "require_fit",
    "require_match",
    "run_blocks",
    "summarise",
    "tabulate_run",
    "tell_critics",
]
