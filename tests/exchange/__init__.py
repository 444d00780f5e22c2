"""Tests of tests/exchange."""
