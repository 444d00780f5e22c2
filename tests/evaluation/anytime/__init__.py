"""Tests of workbench/evaluation/anytime."""
