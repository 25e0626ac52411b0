"""Commands to devices for callers without MQTT: judged by the caller's topic rules, published by the API itself."""
