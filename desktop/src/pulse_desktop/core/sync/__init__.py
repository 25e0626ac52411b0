"""
People, roles and settings on the device: what the server said, the device's own changes, and the traffic of both.

``schema`` is the file, ``store`` the server's state in it, ``change_queue`` what was changed here, ``overlay`` what
follows from both; ``engine`` speaks with the server and ``loop`` is its thread. Source: the identity document.
"""
