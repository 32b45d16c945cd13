"""Take a home's inbox as a run does before silver, in a process that can be killed: `python -m … HOME`."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.support.intake import open_lake, take

from agrilake.pipeline import intake
from agrilake.pipeline.context import Lake
from agrilake.pipeline.leftovers import tidy


def take_once(lake: Lake) -> None:
    """Tidy up, take what lies in the inbox, give what receipts are owed."""
    tidy(lake)
    take(lake)
    for delivery in lake.state.owed_receipts():
        intake.give_owed_receipt(lake, delivery)


if __name__ == "__main__":
    take_once(open_lake(Path(sys.argv[1])))
