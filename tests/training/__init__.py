"""Tests of tests/training."""
