"""Gradient flow of overparameterized linear models: arrays in, arrays out.

Notation throughout: data matrix Y (m rows, n columns), factors U (m x k) and V (n x k) stacked as R = [U; V],
product X = U V^T, imbalance Q = U^T U - V^T V. Every array has a leading batch axis, one entry per run.
Equation numbers are those of "Implicit acceleration of gradient flow in overparameterized linear models".
"""
