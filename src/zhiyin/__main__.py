"""`python -m zhiyin`: the command line where the script of that name is not on the path."""

from zhiyin.cli import main

main()
