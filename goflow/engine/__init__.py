"""How a run goes: plan, readiness, attempts, events, result."""
