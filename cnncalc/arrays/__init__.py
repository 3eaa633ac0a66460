"""Numbers and pictures that the user gives, as arrays; and pictures back."""
