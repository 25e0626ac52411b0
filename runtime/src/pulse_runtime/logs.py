"""
Structured log lines (JSON, one object a line) on standard error.

Events are named ``part.noun_verbed`` and carry fields; never a secret, never a payload.
"""

from __future__ import annotations

import logging
import sys

import structlog

from .errors import ConfigError

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def configure_logs(part: str, level: str) -> None:
    """
    Send structlog's and the standard library's records of this process to standard error.

    Raises:
        ConfigError: *level* is not debug, info, warning or error.
    """
    if level not in _LEVELS:
        raise ConfigError(f"PULSE_LOG_LEVEL is {level!r}; give debug, info, warning or error.")
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.format_exc_info,
        lambda _logger, _method, event: {"part": part, **event},
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(default=str),
            ],
        )
    )
    logging.root.handlers[:] = [handler]
    logging.root.setLevel(_LEVELS[level])
    for chatty in ("httpx", "httpcore", "uvicorn.access"):
        logging.getLogger(chatty).setLevel(max(_LEVELS[level], logging.WARNING))
