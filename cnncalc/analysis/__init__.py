"""Questions asked of an inferred graph."""
