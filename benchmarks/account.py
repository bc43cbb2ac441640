"""A simulated account of a wanted size on a loopback port; prints its address as one JSON line.

Each line that it reads then sets how many milliseconds it waits before each answer, and is answered by the number of
requests for conversations since the line before.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx

from archiver.simulator.data import load
from archiver.simulator.scenario import Scenario
from archiver.simulator.server import bind, running
from archiver.simulator.services import Simulator
from archiver.simulator.world import World
from archiver.windows import floor, retention


class Slow:
    """Answers after a fixed time, and counts the requests for conversations."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self.latency_s = 0.0
        self.asked = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked += "/messaging_history/" in request.url.path
        time.sleep(self.latency_s)
        return self._simulator(request)


def repeated(world: World, count: int) -> Iterator[bytes]:
    """As many records as wanted, over the whole time: of those LivePerson would still give, some, or all repeatedly."""
    oldest = retention(world.clock()).start.timestamp() * 1000
    kept = [item for item in world.stored if item.start_ms > oldest + 86_400_000]
    for number in range(count):
        item = kept[number * len(kept) // count if count < len(kept) else number % len(kept)]
        yield item.at(world.clock()).raw.replace(item.id.encode(), f"{number:08d}{item.id[8:]}".encode())


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path)
    parser.add_argument("--conversations", type=int, required=True)
    options = parser.parse_args()
    anchor, scenario = floor(datetime.now(UTC)), Scenario()
    empty = scenario.world(lambda: datetime.now(UTC))
    source = load(options.data, empty, anchor) if options.data else scenario.fill(empty, anchor)
    world = World(source.account, source.clock)
    world.fill(repeated(source, options.conversations))
    server = bind(0)
    simulator = Simulator(world, host=server.host)
    slow = Slow(simulator)
    with running(server, slow):
        signed = simulator.signatures
        announced = {
            "id": world.account, "domain_url": server.url, "client_id": simulator.tokens.client_id,
            "oauth1": [signed.key, signed.secret, signed.token, signed.token_secret],
        }  # fmt: skip
        print(json.dumps({**announced, "client_secret": simulator.tokens.client_secret}), flush=True)
        for line in sys.stdin:
            print(slow.asked, flush=True)
            slow.asked, slow.latency_s = 0, int(line) / 1000


if __name__ == "__main__":
    main()
