"""`zhiyin label ...`: one command a file."""
