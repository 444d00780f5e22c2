"""Tests of workbench/events/sources."""
