"""What holds for every test."""

from hypothesis import HealthCheck, settings

# No test fails because the machine is slow: by default Hypothesis gives each example 200 ms, and making them a second.
settings.register_profile("fleet", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("fleet")
