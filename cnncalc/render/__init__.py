"""A report as text. Nothing here computes a figure."""
