"""What browsers meet first: the exported dashboard, and the headers that every answer carries."""
