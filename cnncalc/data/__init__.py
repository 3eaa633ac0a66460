"""Pictures with labels, as tensors that fit a network: from files that are there, or made up."""
