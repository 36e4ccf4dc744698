"""Talking to other machines: addresses, connections, TLS."""
