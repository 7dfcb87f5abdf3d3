"""What runs on the fleet's hosts: each module renders one bundle of a host as a release. Pure functions."""
