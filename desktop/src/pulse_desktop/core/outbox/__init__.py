"""
The outbox: every reading goes to disk first and leaves only when the archive has named it in a receipt.

``writer.Outbox`` is what others use; ``file`` holds the SQL of the one writer, ``reader`` reads beside it,
``state`` says what is in it.
"""

from .reader import OutboxReader
from .state import OutboxState, Settlement, StreamState
from .writer import Committed, Outbox

__all__ = ["Committed", "Outbox", "OutboxReader", "OutboxState", "Settlement", "StreamState"]
