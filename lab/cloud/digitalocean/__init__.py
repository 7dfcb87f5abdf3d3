"""DigitalOcean in the lab."""
