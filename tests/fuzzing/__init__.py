"""Whatever comes over the wire is read or refused, by one kind of error; ``make drill-fuzz`` does it for longer."""
