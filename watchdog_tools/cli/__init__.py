"""The face: option tables, parsers, and the guard that prints once and exits once."""
