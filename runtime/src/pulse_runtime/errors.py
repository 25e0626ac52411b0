"""The one error that every program ends with when it cannot start as it was configured."""


class ConfigError(Exception):
    """The configuration is wrong; ``str()`` is one sentence that says what, where and what to do."""
