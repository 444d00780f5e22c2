"""Tests of workbench/engine/kernels."""
