"""What is promised about delivery, proved over many clients that come and go at random."""

import asyncio
import json
import os
import random

import pytest

from churn import churn
from daemon import Daemon
from history_checker import check_history


@pytest.mark.parametrize("reactors, clients, topics, seconds",
                         [(1, 60, 10, 2), (2, 200, 50, 5), (3, 120, 4, 3)])
def test_no_hole_no_duplicate_one_payload_and_the_publishers_order(
        tmp_path, reactors, clients, topics, seconds):
    seed = int(os.environ.get("WSPUSH_TEST_SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"seed {seed}")  # run again with WSPUSH_TEST_SEED
    with Daemon({"reactors": reactors}) as daemon:
        events = asyncio.run(churn(daemon, clients=clients, topics=topics, seconds=seconds,
                                   seed=seed))
    kept = tmp_path / "history.jsonl"
    kept.write_text("".join(json.dumps(event) + "\n" for event in events))
    delivered = sum(event["event"] == "message" for event in events)
    resumed = sum(event["event"] == "subscribed" and "after" in event for event in events)
    assert delivered > 100 and resumed > 10, "too little happened to prove anything"
    problems = check_history(events)
    assert problems == [], f"seed {seed}, {kept}: {len(problems)} broken promises\n" + "\n".join(problems[:20])
