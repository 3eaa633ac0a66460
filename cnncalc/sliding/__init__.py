"""Convolutions and poolings by hand, over given numbers."""
