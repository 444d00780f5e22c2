"""Answers before the end of a recording: how sure, how soon, at what cost.

early_exit           stop as soon as the answer is sure enough
latency              how long and how much until a model is right
temperature_scaling  calibrated confidence
trajectories         answers and costs of every recording, step by step
"""
