"""
Everything on one machine: what ``make run``, ``make desktop``, ``make cut`` and ``make mend`` start.

Starts the programs of the other parts as processes and imports none of them. Read next: ``stack``.
"""
