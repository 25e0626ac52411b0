"""
The command line front end of people, roles, settings and their sync: all that a window can do, without one.

It works beside the running program and without it: both write ``identity.db``, and what is queued here is sent by the
program. ``commands`` names every command; the others hold one noun each. Nothing is decided here.
"""
