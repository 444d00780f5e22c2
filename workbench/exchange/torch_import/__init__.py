"""A trained module of torch as a network: read from the graph of torch.export, by elimination of all that is linear.

exported_module  operations in order, with the paths of their modules
linear_form      a tensor between two activations: paths from nodes, and a bias
channels         some of its channels
linear_maps      convolution, dense and average pooling of it
parallel_paths   several paths between the same two nodes
elimination      operations one after the other; what is left are nodes
rules            what each operation does
pooling_rules    the pools among them
cures            what to do about those that have no rule
module_import    `from_torch`, `read_module`
"""

from workbench.exchange.torch_import.exported_module import Example
from workbench.exchange.torch_import.module_import import from_torch, read_module

__all__ = ["Example", "from_torch", "read_module"]
