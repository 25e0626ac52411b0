"""What a real EMQX 5.8.9 was seen to do, played again on the embedded broker; read next: ``table``, ``play``."""
