"""Every figure against an independent source."""
