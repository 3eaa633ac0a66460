"""Training: from a network and data to weights, checkpoints and figures."""
