"""Graph drawing: where the nodes of a graph go, along which curves its edges run, and where labels fit.

layered_layout  layers and rows of the nodes (Sugiyama's layered layout)
edge_routing    curves of the edges, and free positions on them for badges
many_edges      straight lines in place of curves where there are thousands
arrows          the arrows of a rollout
"""
