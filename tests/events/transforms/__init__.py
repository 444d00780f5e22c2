"""Tests of tests/events/transforms."""
