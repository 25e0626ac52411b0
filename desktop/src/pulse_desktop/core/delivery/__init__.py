"""
How committed readings reach the archive: what is sent when, what is under way, what an answer means.

``courier`` decides (pure but for the two things it is given), ``flight`` counts what is under way, ``ingest``
watches the archive's signs of life, ``receipts`` checks answers, ``messages`` writes payloads, ``loop`` is the
thread around it all.
"""
