"""Sweeps: a function at every point of a grid, on the cores of this machine or on a cluster that is there already.

sweeping         the sweep: a table with a row a point
points           the points of a grid, with their keys and seeds
function_checks  whether a function takes its parameters, and by what it is known again
execution        points given to a crew, retried, ended, noted
crews/           who runs points: this process, workers of our own, executors of others
job              what travels to each worker once
point_run        what a worker does
results          what a function returned, as columns
plain_values     values that a table and a file hold alike
outcomes_table   the table
point_store      finished points on disk
fingerprints     what shared values hold, as a few digits
updates          how far a sweep has come
"""

from workbench.sweeps.outcomes_table import NOT_RUN
from workbench.sweeps.points import Grid, read_grid
from workbench.sweeps.sweeping import carry_out, sweep
from workbench.sweeps.updates import SweepCallback, SweepUpdate

__all__ = ["NOT_RUN", "Grid", "SweepCallback", "SweepUpdate", "carry_out", "read_grid", "sweep"]
