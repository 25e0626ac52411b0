"""Broker tokens: minting them for people, devices and services, and the keys that verify them."""
