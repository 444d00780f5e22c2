"""Tests of tests/events."""
