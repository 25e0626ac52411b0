"""
The private keys of this part: ES256 keys for tokens, one purpose a key, and the secret of refresh tokens.

Made at first start in 0600 files; only public halves ever leave. Read next: ``signing``, ``jwks``.
"""
