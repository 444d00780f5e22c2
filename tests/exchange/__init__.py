"""Tests of workbench/exchange."""
