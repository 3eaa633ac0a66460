"""Documents whose tables and numbers cnncalc writes: their markers, their files."""
