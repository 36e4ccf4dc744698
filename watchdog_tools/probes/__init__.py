"""LOOK: facts about processes, ports, replies and plugins. Nothing here changes anything."""
