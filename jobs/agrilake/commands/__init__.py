"""The command line: thin, every command calls one function of the package and prints what it returns."""
