"""One folder a noun: controllers, services, schemas, guards. What is wired together is in ``app``."""
