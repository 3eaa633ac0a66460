"""Pictures of what a run has learnt. Only the modules of this package import matplotlib."""
