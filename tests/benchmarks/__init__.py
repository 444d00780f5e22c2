"""Tests of tests/benchmarks."""
