"""Blocks computed spike by spike, where that is cheaper than by layers.

cost_model      which components to compute spike by spike
hybrid          components computed densely or spike by spike, block by block
hybrid_block    one block while it is computed
hybrid_state    what it remembers between two blocks
measured_speed  how long components took here, kept for the machine
parameters      the numbers of a spiking model
simulator       components computed spike by spike
sparse_product  a linear map of activity that is mostly zero
spike_lists     spikes as lists, and back as tensors
"""
