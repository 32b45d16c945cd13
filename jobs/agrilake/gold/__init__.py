"""Gold: the support database. Each table is one pure function of its inputs, named like its contract."""
