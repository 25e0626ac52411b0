"""
Who this device is: keys, enrollment, the file that says so, and the tokens that follow from it.

``enrollment`` makes a device, ``store`` keeps it, ``tokens`` uses it, ``api`` is the only importer of httpx.
"""
