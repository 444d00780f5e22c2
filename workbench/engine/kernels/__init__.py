"""Compiled kernels: imported when first needed, so that numba loads only where something runs.

buffer_pool      buffers for spike lists, reused
compilation      kernels compiled completely or not at all
count_range      what an input holds: its largest number, and whether all are whole
event_kernels    from lists of spikes to drives and to spikes
fire_kernels     from drives to lists of spikes
held_membranes   how many membranes a floor holds
neuron_kernels   integrate-and-fire in place, and weighted counts
neuron_scan      the compiled scan as torch sees it
parallel         kernels on the threads of torch
record_kernels   linear maps of sparse activity, and membranes at their floor
scatter_kernels  what spikes bring to the units that they reach
simd             SIMD intrinsics that numba lacks
synapse_layouts  how the synapses of each kind of operation lie in its table
synapse_tables   targets and weights of every unit
weighted_counts  weighted counts of active units
"""
