"""
The running HTTP API against its own OpenAPI document, by schemathesis: no server error, no break of the contract.

``make test`` runs a short one (``test_api_contract``), ``make drill-api`` a long one (``python -m api_contract``).
"""
