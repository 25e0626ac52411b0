"""
Examines a deployment from where the API runs, and says of each thing what is wrong and what to do.

Changes nothing but one row of ``issued_tokens``, for the token that it knocks at the broker with. Read next:
``examination`` (what is asked), ``findings`` (how it is told).
"""
