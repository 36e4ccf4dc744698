"""What the tests share: commands that really run, processes that really die, components that are really there."""
