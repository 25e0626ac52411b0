"""This service's own sign of life on the broker. Read next: ``publisher``; ``link`` is the only importer of gmqtt."""
