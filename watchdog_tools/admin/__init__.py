"""watchdog-tools: what an operator may ask and order."""
