"""The processor that kernels are compiled for."""


def processor() -> str:
    """Name of this machine's processor, as compilers call it."""
    # Imported here, as workflows that only plan do without.
    from llvmlite import binding

    return str(binding.get_host_cpu_name())
