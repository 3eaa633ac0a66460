"""Other programs' formats: a network as their code."""
