"""Taking a server that stands already into the fleet: first look, then show what would close, then a guest's visit."""
