"""Which region trades which account, and moving that from one region to another."""
