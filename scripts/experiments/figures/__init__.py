"""One module per kind of figure, each with `draw(trajectories, runs, matrices, **options) -> Figure`."""
