"""Long exercises of the whole system, each a ``make drill-…`` target; an argument makes a run short."""
