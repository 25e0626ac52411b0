"""
The embedded broker of PrecisionPulse: amqtt behind a gate, for one machine.

``gate`` is where a connection comes in, ``admission`` decides on it, ``connection`` speaks MQTT 3.1.1 with
it, ``sessions`` keeps what outlives it, ``hub`` is the only importer of amqtt. ``app`` wires everything.
"""

__version__ = "0.1.0"
