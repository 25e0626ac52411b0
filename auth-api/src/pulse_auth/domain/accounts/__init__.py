"""
People who sign in: passwords, sign-in, sessions, the first administrator.

Read next: ``services`` (what the calls do), ``passwords``, ``throttle``, ``refresh_tokens``, ``access_tokens``.
"""
