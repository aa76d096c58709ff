"""How good a list is: pure functions of arrays. Nothing here reads files, models or the clock."""
