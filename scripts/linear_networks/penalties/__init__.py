"""Penalties: functions of the factors that are added to the loss."""
