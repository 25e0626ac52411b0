"""The archive over HTTP: latest values, history, exports, and the account of every number. Reads only."""
