"""The workflow's side: config -> grid -> runs -> chunks -> files, and figures from them. No mathematics."""
