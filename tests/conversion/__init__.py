"""Tests of tests/conversion."""
