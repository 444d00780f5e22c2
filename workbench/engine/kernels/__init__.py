"""Compiled kernels: imported when first needed, so that numba loads only where something runs.

buffer_pool      buffers for spike lists, reused
compilation      kernels compiled completely or not at all
count_range      what an input holds: its largest number, and whether all are whole
event_kernels    from lists of spikes to drives and to spikes
error_sums       how far spikes are from what was expected, and why
fire_kernels     from drives to lists of spikes
neuron_kernels   integrate-and-fire in place, and weighted counts
neuron_scan      the compiled scan as torch sees it
observed_scan    the scan with sums of what arrives and is sent
parallel         kernels on the threads of torch
record_kernels   linear maps of sparse activity, observed scans, sums of errors
scatter_kernels  what spikes bring to the units that they reach
simd             SIMD intrinsics that numba lacks
synapse_layouts  how the synapses of each kind of operation lie in its table
synapse_tables   targets and weights of every unit
weighted_counts  weighted counts of active units
"""
