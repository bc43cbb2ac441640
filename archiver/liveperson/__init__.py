"""LivePerson: the one edge that speaks HTTP."""
