"""A Result becomes what the caller reads."""
