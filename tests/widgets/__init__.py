"""Tests of tests/widgets."""
