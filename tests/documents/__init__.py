"""
The documents that follow from more than one part, and the tests that hold all documents to the code.

``python -m documents`` writes them (``make generate``), ``--check`` names those that have drifted (``make check``).
What follows from one part alone is written by that part: ``pulse_acl.generate``, ``pulse_runtime.generate``.
"""
