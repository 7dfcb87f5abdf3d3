"""What control groups tell of a host's memory, and the tables that are made of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.memory_page import (
    MB,
    ContainerMemory,
    HostMemory,
    Usage,
    group_of,
    oom_kills,
    tables,
    usage_of,
    write_page,
)

pytestmark = pytest.mark.unit

FIRST_VERSION = f"""\
cache {1 * MB}
rss {2 * MB}
shmem {1 * MB}
total_cache {300 * MB}
total_rss {80 * MB}
total_shmem {200 * MB}
"""
SECOND_VERSION = f"""\
anon {80 * MB}
file {300 * MB}
kernel {5 * MB}
shmem {200 * MB}
"""


@pytest.mark.parametrize("stat", [FIRST_VERSION, SECOND_VERSION])
def test_shared_memory_is_taken_and_files_are_cache(stat: str) -> None:
    assert usage_of(stat, f"{385 * MB}\n") == Usage(taken=285 * MB, file_cache=100 * MB)


@pytest.mark.parametrize(
    ("text", "group"),
    [
        ("12:pids:/other\n4:memory:/lab/server/docker/abc\n0::/\n", "/lab/server/docker/abc"),
        ("5:cpu,memory:/lab/server\n1:name=systemd:/x\n", "/lab/server"),
        ("0::/docker/abc\n", "/docker/abc"),
        ("3:cpuset:/elsewhere\n0::/init.scope\n", "/init.scope"),
    ],
)
def test_the_group_that_counts_a_process_s_memory(text: str, group: str) -> None:
    assert group_of(text) == group


def test_without_a_memory_group_the_file_is_shown() -> None:
    with pytest.raises(ValueError, match="12:pids:/other"):
        group_of("12:pids:/other\n")


def test_kills_of_all_groups_are_added_up() -> None:
    one = "oom_kill_disable 0\nunder_oom 0\noom_kill {}\n"
    assert oom_kills(one.format(0) + one.format(2) + one.format(1)) == 3
    assert oom_kills("low 0\nhigh 0\nmax 7\noom 1\noom_kill 1\noom_group_kill 0\n") == 1


def container(name: str, limit: int, taken: int, cached: int) -> ContainerMemory:
    return ContainerMemory(name, limit * MB, Usage(taken * MB, cached * MB))


HUB = HostMemory(
    "hub",
    16_000,
    16_384 * MB,
    Usage(9_000 * MB, 4_000 * MB),
    (container("shipper-nj", 128, 20, 1), container("shipper-sg", 128, 21, 2), container("questdb", 6144, 800, 900)),
)
LDN = HostMemory("ldn", 4_000, 4_096 * MB, Usage(2_500 * MB, 700 * MB), (container("questdb", 1024, 400, 600),))


def test_the_tables_have_each_host_and_each_container() -> None:
    lines = list(tables((HUB, LDN), ("tyo",)))
    assert "| ldn | 4,000 | 1,624 | 4,096 | **2,500** | 700 | 62 % | **1,500** |" in lines
    assert "| hub | 16,000 | 7,000 | 16,384 | **9,000** | 4,000 | 56 % | **7,000** |" in lines
    assert "| questdb | 800 + 900 of 6,144 | 400 + 600 of 1,024 |" in lines
    assert "| shipper | 20 + 1; 21 + 2 of 128 |  |" in lines
    assert "Not measured: tyo." in lines


def test_the_text_around_the_marks_stays_when_a_run_writes_again(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- measured -->\n<!-- end of measured -->\nafter\n")
    write_page(("old",), page)
    write_page(("| new |", "", "said"), page)
    assert page.read_text() == "before\n<!-- measured -->\n| new |\n\nsaid\n<!-- end of measured -->\nafter\n"
