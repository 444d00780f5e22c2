"""Tests of tests/engine/kernels."""
