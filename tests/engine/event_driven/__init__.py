"""Tests of tests/engine/event_driven."""
