"""How long venues take to answer, measured from the fleet's hosts."""
