"""How runs end; what each word means is said at `Solution`."""

COMPLETED, CONVERGED, DIVERGED = "completed", "converged", "diverged"
SADDLE, ESCAPED, STALLED = "saddle", "escaped", "stalled"
