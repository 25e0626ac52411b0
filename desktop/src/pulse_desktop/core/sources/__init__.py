"""
Where readings come from. A source gives values when asked; it knows nothing of numbers, disks or networks.

``base`` is the interface, also for plug-ins; ``builtin`` lists this program's own kinds, ``registry`` those that are
installed; ``plan`` reads which ones a device has; ``group`` runs them, each with a ``sampler`` that asks it in time.
"""
