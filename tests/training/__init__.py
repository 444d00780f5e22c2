"""Tests of workbench/training."""
