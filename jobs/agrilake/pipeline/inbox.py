"""What a look into the inbox does before files are put into groups: tidy up, register, give what receipts are owed."""

from __future__ import annotations

import logging

from agrilake.intake.privacy import mask_file_name
from agrilake.pipeline import arriving, endings, intake
from agrilake.pipeline.context import Lake
from agrilake.pipeline.leftovers import tidy
from agrilake.pipeline.receipts import RECEIPT

log = logging.getLogger("agrilake")


def look_into_inbox(lake: Lake) -> None:
    """Register every complete file; what cannot be done for one is shown in the status, and the others go on."""
    tidy(lake)
    _register(lake)
    for delivery in lake.state.owed_receipts():
        try:
            intake.give_owed_receipt(lake, delivery)
        except Exception as error:  # one that cannot be written must not keep the others
            endings.note_failure(lake, RECEIPT, delivery.id, error)


def _register(lake: Lake) -> None:
    for path in arriving.pending_files(lake):
        subject = f"{mask_file_name(path.parent.name)}/{mask_file_name(path.name)}"
        try:
            outcome = arriving.register(lake, path)
        except Exception as error:  # one bad file must not keep the others from the lake
            endings.note_failure(lake, "intake", subject, error)
            continue
        lake.state.resolve_failures("intake", subject)
        if outcome is not None:
            log.info("delivery %s: %s", outcome.delivery.id, outcome.delivery.status)
