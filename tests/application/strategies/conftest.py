"""Fixtures of strategies with a receiver."""

from collections.abc import Iterator

import pytest

from tests.support.messages import START, made
from tests.support.receiver import Receiver
from tests.support.strategies import MODEL, StrategySystem


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def sending(database: str, receiver: Receiver) -> Iterator[StrategySystem]:
    """A system whose messages go to the receiver."""
    with made(database, receiver) as system:
        system.clock.set(START)
        system.activate(MODEL)
        yield system
