"""Networks as drawings: what is drawn, where it lies, and one writer for each language."""
