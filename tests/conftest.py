"""What holds for every test."""

import signal

from hypothesis import HealthCheck, settings

# No test fails because the machine is slow: by default Hypothesis gives each example 200 ms, and making them a second.
settings.register_profile("fleet", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("fleet")


def pytest_configure() -> None:
    """A run that is told to end takes its servers and processes away first, however it is told and how often."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)


def _end(number: int, frame: object) -> None:
    for again in (signal.SIGTERM, signal.SIGINT):
        # Not SIG_IGN, which what is started to clean up would take over.
        signal.signal(again, lambda *_: None)
    raise KeyboardInterrupt
