"""One output a module: the same rules and payloads, written down for brokers, validators and people."""
