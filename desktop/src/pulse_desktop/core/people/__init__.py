"""
What those who manage people see and do on a device: users, roles, permissions, and what became of changes made here.

Pure over what the device shows; ``core.operation`` decides who may ask and lets changes be signed. Read next:
``directory`` (what is there), ``changes`` (what can be done), ``review`` (what was not applied).
"""
