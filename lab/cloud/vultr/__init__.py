"""Vultr in the lab."""
