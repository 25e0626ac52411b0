"""Tables as Qt models; they change only what has changed."""
