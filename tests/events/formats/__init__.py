"""Tests of workbench/events/formats."""
