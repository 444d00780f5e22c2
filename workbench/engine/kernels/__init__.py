"""Compiled kernels: imported when first needed, so that numba loads only where something runs."""
