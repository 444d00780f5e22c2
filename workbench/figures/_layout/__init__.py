"""Where nodes, edges and labels of a graph go in the plane."""
