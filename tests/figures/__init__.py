"""Tests of tests/figures."""
