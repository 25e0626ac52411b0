"""
Where readings come from. A source gives values when asked; it knows nothing of numbers, disks or networks.

``base`` is the interface, ``machine`` and ``simulator`` are two of them, ``sampler`` asks them in time.
"""
