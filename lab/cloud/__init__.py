"""The simulated clouds: what vultr, digitalocean and aws keep, check and answer. Imports nothing of the fleet."""
