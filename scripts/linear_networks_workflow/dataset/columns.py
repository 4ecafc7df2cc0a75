"""What every column of the dataset means, and its unit, for the dataset's card, its README and docs.

Of the parameters of runs, the components say it; of all else it is said here, once.

Types are those of `datasets`, which does not import this: a better wording changes no file of the dataset.

Units are `1` for pure numbers and counts, `time` and `1/time` for the time t of the flow, in which dX/dt = Y - X, and
`s` for seconds on a clock; keys, words and truth values have none.
"""

import re
from typing import NamedTuple

import pyarrow as pa

from linear_networks_workflow.dataset import parquet
from linear_networks_workflow.dataset.parameters import PARAMETERS


class Column(NamedTuple):
    """What a column means.

    Attributes
    ----------
    unit : str
    meaning : str
        In one line of Markdown.
    """

    unit: str
    meaning: str


def _described(unit: str, **meanings: str) -> dict[str, Column]:
    return {name: Column(unit, meaning) for name, meaning in meanings.items()}


def _fall(digits: int) -> dict[str, Column]:
    """The columns of when a loss has fallen so far."""
    return {
        f"time_to_{digits}_digits": Column(
            "time",
            f"when `loss`, less that of the limit, first is 10⁻{'⁰¹²³⁴⁵⁶'[digits]} of its start, its logarithm "
            "interpolated between samples; null where it never is, where that is less than the solver is accurate to "
            "(as from a start at the limit), where the limit is not known, and under a penalty",
        ),
        f"steps_to_{digits}_digits": Column("1", f"number of descent steps to `time_to_{digits}_digits`, rounded up"),
    }


FILES = {
    "matrices": "results/matrices/{experiment}.parquet",
    "runs": "results/runs/{experiment}/{dynamics}/{chunk}.parquet",
    "trajectories": "results/trajectories/{experiment}/{dynamics}/{chunk}.parquet",
    "lambda0": "results/lambda0/{experiment}/{chunk}.parquet",
    "rates": "results/rates/{experiment}/{dynamics}/{chunk}.parquet",
    "tables": "results/tables/{experiment}.parquet",
}

ROWS = {
    "matrices": "one row per data matrix",
    "runs": "one row per run",
    "trajectories": "one row per run and time",
    "lambda0": "one row per run of `asymmetric` that λ₀ is fitted to",
    "rates": "one row per run and quantity",
    "tables": "one row per grid point and quantity, aggregated over replicates",
}

_MATRICES = {
    **_described(
        "", matrix="key of the matrix", experiment="experiment that asks for it", source="where it comes from"
    ),
    **_described(
        "1",
        replicate="which draw; null for a matrix that was read",
        rows="m",
        columns="n",
        values="Y, row-major",
        singular_values="of Y, descending",
        inputs="inputs A of the samples, row-major, where the source has samples; of a teacher, Y is the weights W*",
        outputs="outputs B of the samples, row-major; of a teacher φ(AW*) + noise",
    ),
}

_RUNS = {
    **_described(
        "",
        run="key of the run; the same parameters give the same key",
        experiment="name in the config",
        dynamics="what was run",
    ),
    **{name: Column(column.unit, column.meaning) for name, column in PARAMETERS.items()},
    **_described("1", seed="root of the random streams", replicate="which draw"),
    **_described("", matrix="key of the data matrix Y, in matrices"),
    **_described(
        "",
        outcome="`completed` (reached the horizon), `converged` (reached before it a limit from which no direction "
        "escapes, and is held there), `saddle` (reached the saddle at which its start ends, though others of its "
        "width leave it: X(0) of balanced factors with a determinant of the other sign than Y's, modes or ranks that "
        "the start does not have), `escaped` (its flow ends at such a saddle, but rounding or finite steps led away "
        "from it), `stalled` (rests, and is held, at a point from which a direction escapes that the start does not "
        "excite beyond rounding) or `diverged` (sampled up to there; not at all where the start is too large for "
        "numbers, or where the run diverged that its λ₀ was to be fitted to)",
    ),
    **_described(
        "1",
        imbalance_norm="‖Q(0)‖_F, with Q = UᵀU − VᵀV",
        imbalance_min="smallest eigenvalue of Q(0)",
        imbalance_max="largest eigenvalue of Q(0)",
        imbalance_eigenvalues="eigenvalues of Q(0), descending, without those that are zero because k > m + n",
        mode_imbalances="of a start that is diagonal in the basis of Y: λ₀ᵢ of each mode, in the order of the singular "
        "values of Y; uᵢ² − vᵢ² of a spectral start, √(λ₀² + 4τ²) of a hyperbolic one",
        start_lambda0="λ₀ where, by construction, the start has Q(0) = λ₀I, or a Q(0) of the two eigenvalues "
        "λ₀/2 ± √(λ₀²/4 + τ²); null elsewhere",
        start_tau="τ of these two eigenvalues; 0 where Q(0) = λ₀I",
        imbalance_end="‖Q‖_F at the end of a flow, which keeps it, or of descent, which does not; null where nothing "
        "is conserved, and where the run diverged",
        mode_imbalances_end="of such a start: λ₀ᵢ at the end of a flow or of descent of `asymmetric`",
        rank="rank of R(0) = [U; V], which no gradient flow changes",
        product_rank="rank of X(0)",
        limit_values="singular values of X(∞), those of Y or 0, in the order of Y's (eigenvalues for `symmetric` and "
        "`riccati`): which of its modes this start can learn; null where theory does not know",
        steps="number of descent steps",
        evaluations="evaluations of the velocity by the flow",
        factors="with `record: [factors]`: R(0), row-major, (m+n) × min(k, m+n), gauge-reduced, which changes no X(t); "
        "for `symmetric` U(0), m × min(k, m)",
    ),
    **_described(
        "1/time",
        rate_end="of `asymmetric`, by descent or flow: the rate at which ‖Y − X‖ converges, that of the linearized "
        "motion at the limit that the last state is near; null where it is not, and where convergence is algebraic",
    ),
    **_described(
        "1",
        loss_end="`loss` at the horizon, as in trajectories; null where the run diverged",
        error_end="`error` at the horizon, as in trajectories; null where the run diverged",
    ),
    **{name: column for digits in parquet.DIGITS for name, column in _fall(digits).items()},
    **_described(
        "1",
        laziness="‖K(T) − K(0)‖ / ‖K(0)‖ of the tangent kernel K: E ↦ UUᵀE + EVVᵀ at the horizon T: lazy runs have far "
        "less than 1, rich ones more; null for one layer, where K is constant, and where the run diverged; closed "
        "forms say it with `record: [kernel]` alone, which is refused where they do not know K",
        silent_alignment="with `record: [kernel]`: `kernel_cosine` where the loss first is 95 % of its start; near 1, "
        "K had its direction before anything was learned",
    ),
    **_described(
        "s",
        seconds="its share of the time that its batch took; with that of `lambda0` the one column that does not repeat",
    ),
}

_BASIN = {
    "lambda0": "the best λ₀: that of the lower basin; null where the run diverged",
    "objective": "∫‖Xᴵ − X‖²_F dt / ∫‖X‖²_F dt over the sampled times, by the trapezoidal rule, Xᴵ the flow of "
    "Proposition 5 from the same start",
    "gap_max": "largest ‖Xᴵ − X‖_F / ‖X‖_F over t",
    "gap_l2": "√`objective`",
    "curvature": "second derivative of the objective at λ₀, in units of `radius`",
    "edge": "whether the objective falls beyond λ₀, which is 0 or the farthest that was searched: no minimum",
}


_FAMILY = {
    "lambda0": "λ₀ of {}; null for k < m + n, and where the run diverged{}",
    "tau": "τ of {}, likewise",
    "gap_max": "largest ‖X̂ − X‖_F / ‖X‖_F over t, X̂ the flow of that λ₀ and τ from the same U(0), V(0)",
    "gap_l2": "√(∫‖X̂ − X‖²_F dt / ∫‖X‖²_F dt) of that flow, by the trapezoidal rule",
}


def _as_in_runs(*names: str) -> dict[str, Column]:
    return {name: Column(_RUNS[name].unit, f"`{name}` of the run, as in runs") for name in names}


def _family(prefix: str, *of: str) -> dict[str, Column]:
    return {f"{prefix}_{name}": Column("1", meaning.format(*of)) for name, meaning in _FAMILY.items()}


def _basin(prefix: str, where: str) -> dict[str, Column]:
    return {
        prefix + name: Column("" if name == "edge" else "1", where.format(meaning)) for name, meaning in _BASIN.items()
    }


MEANINGS: dict[str, dict[str, Column]] = {
    "matrices": _MATRICES,
    "runs": _RUNS,
    "trajectories": {
        **_as_in_runs("run", "experiment", "dynamics", "solver", "replicate", "rows", "columns"),
        **_as_in_runs("width", "scale", "lambda0"),
        **_described("time", t="time; for descent `step` · η"),
        **_described(
            "1",
            step="number of descent steps",
            loss="the objective that the dynamics descends",
            error="‖Y − X‖_F / ‖Y‖_F",
            singular_values="of X(t), descending; for `symmetric` and `riccati` its eigenvalues",
            drift="‖Q(t) − Q(0)‖_F; null where nothing is conserved",
            distance="‖X(t) − X(∞)‖_F for the limit that theory knows of this start: Y, its rank-k part where k is "
            "smaller, its positive part for `symmetric`, what `limit_values` leave of it at a saddle; null where none "
            "is known",
            gramian_distance="of `regularized`: ‖RRᵀ(t) − RRᵀ(∞)‖_F",
            laziness="with `record: [kernel]`: ‖K(t) − K(0)‖ / ‖K(0)‖, as in runs",
            kernel_cosine="with `record: [kernel]`: cosine of the angle between K(t) and the K of the horizon",
            product="with `record: [product]`: X(t), row-major",
        ),
        **_described(
            "1/time",
            local_rate="of `asymmetric`, by descent or flow, and of `end-to-end`: λ_min(UUᵀ) + λ_min(VVᵀ), the rate at "
            "which ‖Y − X‖ decays at least at that time, and in the end exactly, unless Y is singular",
        ),
    },
    "lambda0": {
        **_as_in_runs("run", "experiment", "replicate", "rows", "columns", "width", "scale"),
        **_basin("", "{}"),
        **_basin("negative_", "in the basin of λ₀ < 0: {}"),
        **_basin("positive_", "in the basin of λ₀ > 0: {}"),
        **_described(
            "1",
            radius="spectral radius of Q(0); 0 where that is rounding",
        ),
        **_family("mean", "the means of the m largest and the n smallest eigenvalues of Q(0)", ""),
        **_family("wide", "the two eigenvalues of Q(0) for k → ∞", ", and where these starts have none"),
        **_described(
            "1",
            candidates="the λ₀ that were scanned, ascending: 41 within 4 `radius`, closer near 0, more outside where "
            "the objective falls there, up to 1024 `radius`; 0 alone where Q(0) = 0",
            objectives="`objective` of each of `candidates`",
        ),
        **_described("s", seconds="what the fit took"),
    },
    "rates": {
        **_as_in_runs("run", "experiment", "dynamics", "solver", "replicate"),
        **_described(
            "",
            quantity="`product`: ‖X − X(∞)‖_F, X(∞) where theory knows it, else, with `record: [product]`, where a "
            "`converged` flow came to rest; `mode`: abs(σᵢ(t) − σᵢ(∞)); `gramian`: ‖RRᵀ − RRᵀ(∞)‖_F",
            limited_by="the largest part of `uncertainty`: `noise` (errors of the samples), `resolution` (modes that "
            "the window cannot tell apart) or `disagreement` (of models and windows)",
            reason="where no rate could be measured: `not converged`, `too few samples`, `floor reached`, `no fit` "
            "(by no sum of exponentials), `no decay` (by less than a factor e in the window)",
            predicted_by="where `predicted` is from; `modes of a small X(0)`: slower directions stay below the modes "
            "to the end of the record",
        ),
        **_described(
            "1",
            mode="i, from 1 for the largest; null for the other quantities",
            points="samples in the window",
            exponents="rates of the sum of exponentials that was fitted there",
        ),
        **_described(
            "1/time",
            measured="the exponential rate",
            uncertainty="the truth is expected within `measured` ± `uncertainty`; a slowest mode that is hidden until "
            "the solver's floor or the end is not in it",
            predicted="the sharpest equality that theory knows; for descent that of its linearized step, "
            "−log(1 − ηρ)/η, or of a square −2 log(1 − ηρ/2)/η; null where convergence is algebraic, and where entries "
            "of X(0), of which theory takes the norm alone, decide which of two rates the record shows",
            paper="the exponent that the paper states, where it states one",
            bound="of the flow, a lower bound from Q(0) alone, [λ_m(Q₀)]₊ + [λ_n(−Q₀)]₊",
        ),
        **_described(
            "time",
            window_start="first of the times between which the rate was measured",
            window_end="last of these times",
        ),
    },
    "tables": {
        **{
            name: Column(column.unit, f"`{name}` of the runs of the row, as in runs; null where they differ")
            for name, column in PARAMETERS.items()
        },
        **_described(
            "",
            experiment="name in the config",
            dynamics="what was run",
            solver="how it was run",
            quantity="whose rate it is, as in rates",
            predicted_by="where `predicted` is from",
            unmeasured="how many runs have no rate, and why",
        ),
        **_described(
            "1",
            mode="i of a mode, from 1 for the largest",
            ratio="median of measured / predicted",
            compared="number of runs whose rate is both measured and predicted",
            inside="how many of these have `predicted` within `measured` ± `uncertainty` of their own",
            violations="number of runs whose rate, with its uncertainty, is below the bound",
            runs="number of runs",
        ),
        **_described(
            "1/time",
            measured="median of the rates of the replicates",
            low="lower end of the 95 % bootstrap interval of that median",
            high="upper end of that interval",
            uncertainty="median of the uncertainties of the replicates, as in rates",
            predicted="median of what theory predicts",
            paper="the exponent that the paper states, where it states one",
            bound="median of the lower bounds",
        ),
    },
}


def pattern(stage: str) -> str:
    """Glob pattern of the files of a stage."""
    return re.sub(r"\{\w+\}", "*", FILES[stage])


def markdown(stage: str) -> str:
    """Table of the columns of a stage, in their order."""
    rows = [["column", "type", "unit", "meaning"], ["---"] * 4]
    rows += [[f"`{field.name}`", _type(field.type), *MEANINGS[stage][field.name]] for field in parquet.SCHEMAS[stage]]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def _type(kind: pa.DataType) -> str:
    if pa.types.is_list(kind):
        return f"list of {_type(kind.value_type)}"
    return "string" if pa.types.is_dictionary(kind) else {"double": "float64"}.get(str(kind), str(kind))
