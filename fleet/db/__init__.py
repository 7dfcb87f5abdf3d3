"""The market database as an operator sees it: how far each replica is, copying a table or a replica anew, backups."""
