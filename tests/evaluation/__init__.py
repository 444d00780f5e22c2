"""Tests of workbench/evaluation."""
