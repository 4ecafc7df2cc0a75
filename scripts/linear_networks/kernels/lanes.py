"""Kernels for matrices of a few rows, compiled for their shape: each lane of a processor's vectors is one run.

Such matrices are too small for BLAS, which spends its time on the way in and out. Here the batch is laid innermost, in
blocks of `LANES` runs, and an instruction does the same step of every run of a block. No lane sees another: the numbers
of a run do not depend on its neighbours. Sums are taken in the order in which they are written, and fused with their
products: the numbers do not depend on the processor either.
"""

import ctypes
import os
import platform
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path

import llvmlite
import numpy as np
from llvmlite import binding, ir

from linear_networks.arrays import Array

binding.initialize_native_target()
binding.initialize_native_asmprinter()
_FEATURES = binding.get_host_cpu_features()

# Compiled kernels are kept where Python keeps what it has compiled, for other processes on a processor of this kind.
CACHE = Path(__file__).parent / "__pycache__"
_KIND = f"{llvmlite.__version__} {binding.get_host_cpu_name()} {_FEATURES.flatten()}"

# Runs in a block: as many float64 as the widest vector register holds.
LANES = 8 if _FEATURES.get("avx512f") else 4
# Rows and columns of a product that are summed at once, so that the sums and what they need stay in registers.
TILE = (4, 5) if LANES == 8 else (3, 4)

_INDEX = ir.IntType(64)
_VECTOR = ir.VectorType(ir.DoubleType(), LANES)


class Lanes:
    """A number of every run of a block, or a truth value, in the code of a kernel."""

    def __init__(self, code: "Code", value: ir.Value) -> None:
        self.code, self.value = code, value

    def __add__(self, other: "Lanes") -> "Lanes":
        return Lanes(self.code, self.code.builder.fadd(self.value, other.value))

    def __sub__(self, other: "Lanes") -> "Lanes":
        return Lanes(self.code, self.code.builder.fsub(self.value, other.value))

    def __mul__(self, other: "Lanes") -> "Lanes":
        return Lanes(self.code, self.code.builder.fmul(self.value, other.value))

    def __truediv__(self, other: "Lanes") -> "Lanes":
        return Lanes(self.code, self.code.builder.fdiv(self.value, other.value))

    def __neg__(self) -> "Lanes":
        return Lanes(self.code, self.code.builder.fneg(self.value))

    def __gt__(self, other: "Lanes") -> "Lanes":
        return Lanes(self.code, self.code.builder.fcmp_ordered(">", self.value, other.value))

    def where(self, mask: "Lanes", otherwise: "Lanes") -> "Lanes":
        """This number where the mask is true."""
        return Lanes(self.code, self.code.builder.select(mask.value, self.value, otherwise.value))

    def times(self, factor: "Lanes", plus: "Lanes") -> "Lanes":
        """self * factor + plus, rounded once."""
        return self.code.call("fma", self, factor, plus)

    def sqrt(self) -> "Lanes":
        return self.code.call("sqrt", self)

    def with_sign_of(self, other: "Lanes") -> "Lanes":
        return self.code.call("copysign", self, other)


class Code:
    """Code of a kernel. A block of its workspace is an array of Lanes, addressed by their place in it."""

    def __init__(self) -> None:
        self.module = ir.Module()
        arguments = [_VECTOR.as_pointer(), _INDEX, _INDEX]
        self.function = ir.Function(self.module, ir.FunctionType(ir.VoidType(), arguments), "kernel")
        self.builder = ir.IRBuilder(self.function.append_basic_block())
        self.block = self.function.args[0]
        self.intrinsics: dict[str, ir.Function] = {}

    def constant(self, number: float) -> Lanes:
        return Lanes(self, ir.Constant(_VECTOR, [number] * LANES))

    def place(self, first: int, *strides: tuple[ir.Value | int, int]) -> ir.Value:
        """The place first + index * stride + ..., for pairs of an index and its stride."""
        place = _INDEX(first)
        for index, stride in strides:
            place = self.builder.add(place, self.builder.mul(_integer(index), _INDEX(stride)))
        return place

    def load(self, place: ir.Value) -> Lanes:
        return Lanes(self, self.builder.load(self.builder.gep(self.block, [place])))

    def store(self, lanes: Lanes, place: ir.Value) -> None:
        self.builder.store(lanes.value, self.builder.gep(self.block, [place]))

    def part(self, lanes: Lanes, place: ir.Value, stride: int) -> None:
        """Store the number of each run in a part of its own, `stride` numbers after that of the run before.

        The place is that in the part of the first run, which begins with the block.
        """
        numbers = self.builder.bitcast(self.block, ir.DoubleType().as_pointer())
        for lane in range(LANES):
            number = self.builder.extract_element(lanes.value, ir.IntType(32)(lane))
            self.builder.store(number, self.builder.gep(numbers, [self.builder.add(place, _INDEX(lane * stride))]))

    def call(self, name: str, *arguments: Lanes) -> Lanes:
        if name not in self.intrinsics:
            kind = ir.FunctionType(_VECTOR, [_VECTOR] * len(arguments))
            self.intrinsics[name] = ir.Function(self.module, kind, f"llvm.{name}.v{LANES}f64")
        return Lanes(self, self.builder.call(self.intrinsics[name], [argument.value for argument in arguments]))

    def procedure(self, write: Callable[[], None], first: int = 0) -> Callable[[], None]:
        """Code that `write` writes once, and that the function returned does wherever it is called.

        Places in it count from the place `first` of the block.
        """
        outside = self.function, self.builder, self.block
        kind = ir.FunctionType(ir.VoidType(), [_VECTOR.as_pointer()])
        inner = ir.Function(self.module, kind, f"procedure.{len(self.module.functions)}")
        inner.linkage = "internal"
        inner.attributes.add("noinline")
        self.function, self.builder, self.block = inner, ir.IRBuilder(inner.append_basic_block()), inner.args[0]
        write()
        self.builder.ret_void()
        self.function, self.builder, self.block = outside
        return lambda: self.builder.call(inner, [self.builder.gep(self.block, [_INDEX(first)])])

    @contextmanager
    def loop(self, start: ir.Value | int, stop: ir.Value | int) -> Iterator[ir.Value]:
        """Do the body for every index from start to stop - 1, and at least once."""
        index, again = self._begin(start)
        yield index
        self._end(index, stop, again)

    def fold(
        self,
        stop: ir.Value | int,
        first: Sequence[Lanes],
        step: Callable[[ir.Value, list[Lanes]], list[Lanes]],
    ) -> list[Lanes]:
        """values = step(index, values) for every index from 0 to stop - 1, beginning with `first`."""
        before = self.builder.block
        index, again = self._begin(0)
        values = [Lanes(self, self.builder.phi(lanes.value.type)) for lanes in first]
        following = step(index, values)
        for value, start, end in zip(values, first, following, strict=True):
            value.value.add_incoming(start.value, before)
            value.value.add_incoming(end.value, self.builder.block)
        self._end(index, stop, again)
        return following

    @contextmanager
    def repeat(self, most: int, signal: ir.Value) -> Iterator[None]:
        """Do the body up to so many times, again while it leaves a number > 0 at the place `signal` for any run."""
        index, again = self._begin(0)
        self.store(self.constant(0.0), signal)
        yield
        raised = self.builder.bitcast((self.load(signal) > self.constant(0.0)).value, ir.IntType(LANES))
        any_raised = self.builder.icmp_unsigned("!=", raised, ir.IntType(LANES)(0))
        self._end(index, most, again, any_raised)

    def _begin(self, start: ir.Value | int) -> tuple[ir.Value, ir.Block]:
        before, body = self.builder.block, self.function.append_basic_block()
        self.builder.branch(body)
        self.builder.position_at_end(body)
        index = self.builder.phi(_INDEX)
        index.add_incoming(_integer(start), before)
        return index, body

    def _end(self, index: ir.Value, stop: ir.Value | int, body: ir.Block, condition: ir.Value | None = None) -> None:
        following = self.builder.add(index, _INDEX(1))
        index.add_incoming(following, self.builder.block)
        going = self.builder.icmp_signed("<", following, _integer(stop))
        after = self.function.append_basic_block()
        self.builder.cbranch(going if condition is None else self.builder.and_(going, condition), body, after)
        self.builder.position_at_end(after)


class Kernel:
    """Compiled code, called with a workspace of shape (blocks, size, LANES) and a number of repetitions.

    Parameters
    ----------
    size : int
        Lanes in a block of the workspace.
    write : callable
        write(code, count) writes the code of one block, of which `count` is the number of repetitions.
    """

    def __init__(self, size: int, write: Callable[[Code, ir.Value], None]) -> None:
        code = Code()
        workspace, blocks, count = code.function.args
        with code.loop(0, blocks) as block:
            code.block = code.builder.gep(workspace, [code.place(0, (block, size))])
            write(code, count)
        code.builder.ret_void()
        self._engine = _compiled(str(code.module))
        address = self._engine.get_function_address("kernel")
        self._function = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)(address)
        self.size = size

    def __call__(self, workspace: Array, count: int = 1) -> None:
        if len(workspace) and count:
            self._function(workspace.ctypes.data, len(workspace), count)


def _compiled(text: str) -> binding.ExecutionEngine:
    """Machine code of a module, compiled unless it was before."""
    # Every engine owns the machine that it compiles for.
    machine = binding.Target.from_default_triple().create_target_machine(
        cpu=binding.get_host_cpu_name(), features=_FEATURES.flatten(), opt=1
    )
    module, key = binding.parse_assembly(text), sha256((_KIND + text).encode()).digest()
    kept = _kept(key)
    if kept is None:
        options = binding.create_pipeline_tuning_options(speed_level=1)
        options.loop_unrolling = False
        passes = binding.create_pass_builder(machine, options)
        passes.getModulePassManager().run(module, passes)
    engine = binding.create_mcjit_compiler(module, machine)
    engine.set_object_cache(lambda _, code: _keep(key, code), lambda _: kept)
    engine.finalize_object()
    return engine


def _file(key: bytes) -> Path:
    return CACHE / f"kernel-{key.hex()[:32]}.o"


def _sealed(key: bytes, code: bytes) -> bytes:
    """Compiled code after a digest of it and of what it was compiled from: it runs unchecked, and in no other place."""
    return sha256(key + code).digest() + code


def _kept(key: bytes) -> bytes | None:
    """Compiled code as it was kept; None where there is none, or other than what was kept."""
    try:
        content = _file(key).read_bytes()
    except OSError:
        return None
    code = content[len(key) :]
    return code if content == _sealed(key, code) else None


def _keep(key: bytes, code: bytes) -> None:
    """Write compiled code, whole or not at all; without it, the next process compiles again."""
    file = _file(key)
    temporary = file.with_name(f".{platform.node()}.{os.getpid()}.{file.name}")
    with suppress(OSError):
        file.parent.mkdir(exist_ok=True)
        temporary.write_bytes(_sealed(key, code))
        os.replace(temporary, file)


def workspace(runs: int, size: int) -> Array:
    """Zeros of shape (blocks, size, LANES) for a batch, aligned as vectors are."""
    blocks = -(-runs // LANES)
    memory = np.zeros((blocks * size + 1) * LANES)
    first = -memory.ctypes.data // memory.itemsize % LANES
    return memory[first : first + blocks * size * LANES].reshape(blocks, size, LANES)


def rows(workspace: Array, first: int, size: int, runs: int) -> Array:
    """Numbers of each run, shape (runs, size), that lie in a workspace from a place of its blocks on."""
    return workspace[:, first : first + size].swapaxes(1, 2).reshape(-1, size)[:runs]


def parts(workspace: Array, first: int, size: int) -> Array:
    """Parts of runs that were stored one by one, shape (blocks, LANES, size), from a place of the blocks on: a view."""
    return workspace.reshape(len(workspace), -1)[:, first * LANES : (first + size) * LANES].reshape(-1, LANES, size)


def pack(batch: Array, workspace: Array, first: int) -> None:
    """Lay a batch, shape (runs, ...), into a workspace from a place of its blocks on."""
    size = int(np.prod(batch.shape[1:]))
    rows, whole = batch.reshape(len(batch), size), len(batch) // LANES
    part = workspace[:, first : first + size]
    part[:whole] = rows[: whole * LANES].reshape(whole, LANES, size).swapaxes(1, 2)
    if whole < len(part):
        part[whole, :, : len(rows) - whole * LANES] = rows[whole * LANES :].T


def unpack(workspace: Array, first: int, runs: int, *shape: int) -> Array:
    """The batch, shape (runs, *shape), that lies in a workspace from a place of its blocks on."""
    return rows(workspace, first, int(np.prod(shape)), runs).reshape(-1, *shape)


def _integer(index: ir.Value | int) -> ir.Value:
    return _INDEX(index) if isinstance(index, int) else index
