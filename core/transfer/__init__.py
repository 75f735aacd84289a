"""Moving artifacts: plan, journal, engine, verification, report."""
