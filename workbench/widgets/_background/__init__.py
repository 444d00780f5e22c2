"""Computation in the background, so that a panel answers while results are computed.

worker    one thread that computes tasks in order, and exists only while there are any
prefetch  results that are kept, and computed before they are asked for
"""
