"""What one part sends is within the bounds that the other refuses by."""

from __future__ import annotations

from pulse_acl import payloads
from pulse_desktop.core.delivery.declarations import MOST_RANGES
from pulse_sync.settings import KNOWN, Bounds


def test_device_declares_no_more_losses_in_a_message_than_a_worker_takes():
    sent_again = KNOWN["flush_batch_size"]
    assert isinstance(sent_again, Bounds)
    assert max(MOST_RANGES, sent_again.most) <= payloads.MAX_BATCH_LOSSES
