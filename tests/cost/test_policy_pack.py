"""The policy pack as a process that is asked as the engine asks it (``tests/engine/test_policy.py`` has the engine)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
from google.protobuf.json_format import ParseDict
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto import analyzer_pb2 as messages
from pulumi.runtime.proto import analyzer_pb2_grpc as services

from fleet.cost.resources import UNKNOWN
from tests.cost.conftest import ROOT, Folder

SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "value": "t3.medium"}
"""As the engine writes one in its messages."""

Judge = Callable[..., list[tuple[str, str]]]


@pytest.fixture
def judge(folder: Folder) -> Iterator[Judge]:
    """``judge(config, name=inputs)``: what the pack says of a stack nj with these EC2 instances and its own server."""
    pack = subprocess.Popen(
        [sys.executable, ROOT / "policy" / "fleet-policy", "127.0.0.1:1"],
        cwd=folder.root,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert pack.stdout is not None
    port = int(pack.stdout.readline())

    def resource(kind: str, name: str, inputs: dict[str, Any]) -> Any:
        provider = messages.AnalyzerProviderResource(type="pulumi:providers:any", name="default")
        return messages.AnalyzerResource(
            type=kind, urn=f"urn:{name}", name=name, properties=ParseDict(inputs, Struct()), provider=provider
        )

    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        asked = services.AnalyzerStub(channel)

        def run(config: dict[str, str], **instances: dict[str, Any]) -> list[tuple[str, str]]:
            asked.ConfigureStack(messages.AnalyzerStackConfigureRequest(stack="nj", config=config))
            ours = resource("vultr:index/instance:Instance", "nj", {"plan": "vhp-4c-8gb-amd", "region": "ewr"})
            others = [resource("aws:ec2/instance:Instance", name, inputs) for name, inputs in instances.items()]
            answer = asked.AnalyzeStack(messages.AnalyzeStackRequest(resources=[ours, *others]))
            return [(row.policyName, row.message) for row in answer.diagnostics]

        try:
            yield run
        finally:
            pack.terminate()
            pack.wait(timeout=30)
            pack.stdout.close()


def test_inputs_are_read_as_a_preview_has_them(judge: Judge) -> None:
    assert judge({}, spare={"instanceType": "t3.medium", "region": "us-east-1"}) == []
    assert judge({"aws:region": "us-east-1"}, spare={"instanceType": "t3.medium"}) == []
    assert judge({}, spare={"instanceType": "t3.medium"}) == [
        ("priced", "spare/Instance is in no sum: its region is not said")
    ]
    # Its prices are known in one region, and not in this one.
    assert judge({"aws:region": "eu-west-2"}, spare={"instanceType": "t3.medium"}) == [
        ("priced", "spare/server is in no sum: the price of t3.medium in eu-west-2 is not known"),
        ("priced", "spare/disk is in no sum: the price of a disk at ec2 in eu-west-2 is not known"),
    ]
    assert judge({}, veiled={"instanceType": SECRET, "region": "us-east-1"}) == [
        ("priced", "veiled/Instance is in no sum: its instanceType is a secret")
    ]
    assert judge({}, open={"instanceType": UNKNOWN, "region": "us-east-1"}) == [
        ("priced", "open/Instance is in no sum: its instanceType is not known before up")
    ]


def test_a_server_that_is_placed_by_the_stacks_config_counts_for_the_budget(judge: Judge, folder: Folder) -> None:
    # t3.medium 30.37 with a disk of 0.64, beside the 279 of the fleet.
    folder.edit("fleet.yaml", lambda document: document["budgets"].update(monthly_usd="310.00"))
    [(policy, message)] = judge({"aws:region": "us-east-1"}, spare={"instanceType": "t3.medium"})
    assert policy == "budget"
    assert message.startswith("budget of fleet: 310.01 of 310.00: OVER by 0.01.")


def test_a_fleet_whose_files_are_broken_stops_the_run(judge: Judge, folder: Folder) -> None:
    folder.write("Pulumi.nj.yaml", "config: {}\n")
    [(policy, message)] = judge({})
    assert policy == "budget"
    assert message.startswith("the fleet's budgets cannot be read: ")
    assert "Pulumi.nj.yaml" in message
