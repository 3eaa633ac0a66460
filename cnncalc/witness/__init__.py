"""The witness: networks as torch runs them."""
