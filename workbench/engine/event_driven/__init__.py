"""Blocks computed spike by spike, where that is cheaper than by layers."""
