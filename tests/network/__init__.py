"""Tests of tests/network."""
