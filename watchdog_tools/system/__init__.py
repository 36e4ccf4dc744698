"""Thin readers of the machine: /proc, clocks, sockets, and forks that look."""
