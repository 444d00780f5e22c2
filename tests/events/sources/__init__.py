"""Tests of tests/events/sources."""
