"""TOUCH: the only code that changes the machine."""
