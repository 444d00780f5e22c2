"""Files of NIR in other simulators: what each makes of them, node by node, and what weights of few bits cost."""
