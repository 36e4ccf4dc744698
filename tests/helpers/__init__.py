"""What the tests share: commands that really run, processes that really die, real components."""
