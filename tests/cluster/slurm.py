"""A real SLURM on this machine, for tests: a controller and two nodes on loopback, with no passwords and no accounting.

    python tests/cluster/slurm.py up      installs SLURM from Debian's packages if missing, starts what is not running
    python tests/cluster/slurm.py down    cancels the jobs and stops the daemons

For a machine without other users, as nothing asks who submits. Needs root; tried with Debian 12 (SLURM 22.05).
Jobs find their cluster only by /etc/slurm/slurm.conf, which is ours between `up` and `down`.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

FOLDER = Path("/tmp/slurm-of-tests")
CONFIG = Path("/etc/slurm/slurm.conf")
COMMANDS = ("slurmctld", "slurmd", "sbatch", "srun", "scancel")
PACKAGES = ("slurmctld", "slurmd", "slurm-client")
PORT = 16817
CONTROLLER = "slurmctld"
NODES = ("n1", "n2")
CORES = 2

NODE_LINES = "\n".join(
    f"NodeName={node} NodeHostname=localhost NodeAddr=127.0.0.1 Port={PORT + place} CPUs={CORES} RealMemory=8000"
    for place, node in enumerate(NODES, start=1)
)
MARK = "# Written by tests/cluster/slurm.py."
SETTINGS = f"""\
{MARK}
ClusterName=tests
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort={PORT}
SlurmUser=root
SlurmdUser=root
AuthType=auth/none
CredType=cred/none
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
StateSaveLocation={FOLDER}/state
SlurmdSpoolDir={FOLDER}/%n
SlurmctldPidFile={FOLDER}/{CONTROLLER}.pid
SlurmdPidFile={FOLDER}/%n.pid
SlurmctldLogFile={FOLDER}/{CONTROLLER}.log
SlurmdLogFile={FOLDER}/%n.log
# Containers have no cgroups to write to: cores and memory are shared out, not enforced.
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SlurmdParameters=config_overrides
# A node that is gone is noticed in seconds, and taken again when it is back.
SlurmdTimeout=10
ReturnToService=2
KillWait=2
# Jobs are asked for after their end, without accounting.
MinJobAge=3600
SchedulerParameters=batch_sched_delay=0,sched_min_interval=10000,bf_interval=1
{NODE_LINES}
PartitionName=main Nodes=ALL Default=YES State=UP
"""


def missing() -> str | None:
    """Why this machine cannot run the cluster; None where it can."""
    if os.geteuid() != 0:
        return "a SLURM of one's own needs root"
    if not all(map(shutil.which, COMMANDS)) and not shutil.which("apt-get"):
        return "SLURM is not installed, and there is no apt-get to install it with"
    if CONFIG.exists() and not CONFIG.read_text().startswith(MARK):
        return f"{CONFIG} belongs to another SLURM"
    return None


def up() -> None:
    """Start every daemon that is not running, and wait until the nodes take jobs."""
    if reason := missing():
        sys.exit(reason)
    install()
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "state").mkdir(exist_ok=True)
    CONFIG.parent.mkdir(exist_ok=True)
    CONFIG.write_text(SETTINGS)
    start(CONTROLLER, "slurmctld")
    for node in NODES:
        (FOLDER / node).mkdir(exist_ok=True)
        start(node, "slurmd", "-N", node)
    wait_until(lambda: not set(run("sinfo", "-hNo", "%T").split()) - {"idle", "mixed", "allocated"}, "nodes to answer")


def down() -> None:
    """Cancel every job, stop the daemons and take back the configuration."""
    if pid(CONTROLLER):
        cancel()
    for name in (*NODES, CONTROLLER):
        kill(name, signal.SIGTERM)
    if CONFIG.exists() and CONFIG.read_text().startswith(MARK):
        CONFIG.unlink()
    shutil.rmtree(FOLDER, ignore_errors=True)


def cancel() -> None:
    """Cancel every job, and wait for their ends."""
    run("scancel", "--user=root")
    wait_until(lambda: not run("squeue", "-h"), "jobs to end")


def install() -> None:
    """Install SLURM from the distribution's packages, without daemons of their own."""
    if all(map(shutil.which, COMMANDS)):
        return
    policy = Path("/usr/sbin/policy-rc.d")
    ours = not policy.exists()
    if ours:
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
    try:
        run("apt-get", "-qq", "update")
        run("apt-get", "-qq", "install", "--no-install-recommends", *PACKAGES)
    finally:
        if ours:
            policy.unlink()


def start(name: str, *command: str) -> None:
    """Start a daemon if it is not running."""
    if pid(name) is None:
        run(*command)
        wait_until(lambda: pid(name) is not None, name)


def kill(name: str, sent: signal.Signals) -> None:
    """Send a signal to a daemon, and wait for its end."""
    if found := pid(name):
        os.kill(found, sent)
        wait_until(lambda: pid(name) is None, f"the end of {name}")


def pid(name: str) -> int | None:
    """Process of a daemon by its recorded number, if that is still its own."""
    try:
        number = int((FOLDER / f"{name}.pid").read_text())
        command = Path(f"/proc/{number}/comm").read_text().strip()
    except (OSError, ValueError):
        return None
    return number if command in ("slurmctld", "slurmd") else None


def run(*command: str) -> str:
    """Output of a command; its errors end the program."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    finished = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, env=environment)
    if finished.returncode:
        sys.exit(f"{' '.join(command)}: {finished.stderr.strip()}")
    return finished.stdout


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
    """Wait for a condition; end the program if it does not come true."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"waited {seconds:.0f} s for {what}; see the logs in {FOLDER}")
        time.sleep(0.2)


if __name__ == "__main__":
    {"up": up, "down": down}[sys.argv[1]]()
