"""Tests of tests/events/formats."""
