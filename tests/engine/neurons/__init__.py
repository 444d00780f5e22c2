"""Tests of workbench/engine/neurons."""
