"""Tests of workbench/engine/event_driven."""
