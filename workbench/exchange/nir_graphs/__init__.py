"""Graphs of NIR, in and out.

files        files looked through before they are read, and written whole
export       `to_nir`: an SNN as a graph
links        operations as nodes
node_fields  the fields of nodes, looked at before they are used
neurons      neurons as nodes, and nodes as neurons
reading      `from_nir`: a graph as an SNN
flat_graph   graphs within graphs as one
elimination  linear nodes between neurons become paths
linear_maps  what each linear node makes of what reaches it
drives       paths of linear maps, and their sums
axis_order   images whose axes are counted the other way round
rasters      `to_nir_data`, `from_nir_data`: spikes as data
comparison   `compare_nir`: a file held against the model that it came from
"""

from workbench.exchange.nir_graphs.comparison import compare_nir
from workbench.exchange.nir_graphs.export import to_nir
from workbench.exchange.nir_graphs.files import read_nir, require_nir, write_nir
from workbench.exchange.nir_graphs.rasters import from_nir_data, to_nir_data
from workbench.exchange.nir_graphs.reading import from_nir

__all__ = ["compare_nir", "from_nir", "from_nir_data", "read_nir", "require_nir", "to_nir", "to_nir_data", "write_nir"]
