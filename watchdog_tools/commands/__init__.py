"""One file is one console script and one section of the README."""
