"""
The window: Qt only, on a core that knows nothing of it.

``application`` starts it, ``bridge`` is the one place where the core's events become Qt signals, ``snapshot`` is what
is shown, ``words`` how it is said; ``windows``, ``widgets``, ``models`` and ``theme`` show it. No widget calls
the core.
"""
