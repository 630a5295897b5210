"""Confines the calling process for good: no network, no other process, little memory, time and space; another user.

The layers, each on its own: a user of its own and a network namespace without any interface where we are root; then,
always, resource limits, no new privileges, and a seccomp filter that refuses sockets, io_uring (which can open
sockets too), tracing and signals. Sources: seccomp(2), prctl(2), setrlimit(2), linux/{seccomp,filter,audit}.h, the
kernel's syscall tables of x86-64 and of arm64 (asm-generic).
"""

import ctypes
import os
import platform
import resource
import struct
from dataclasses import dataclass

UID = 10002  # of nobody else; needs no line in passwd
_CLONE_NEWNET = 0x40000000
_PR_SET_PDEATHSIG, _PR_SET_SECCOMP, _PR_SET_CHILD_SUBREAPER, _PR_SET_NO_NEW_PRIVS = 1, 22, 36, 38
_SIGKILL = 9
_MODE_FILTER = 2
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050001  # SECCOMP_RET_ALLOW; SECCOMP_RET_ERRNO with EPERM
_KILL = 0x80000000  # SECCOMP_RET_KILL_PROCESS
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06  # BPF_LD|W|ABS, BPF_JMP|JEQ|K, |JGE|K, BPF_RET|K
_X32 = 0x40000000  # x86-64's second table of numbers
# Machine -> (AUDIT_ARCH, numbers of what is refused).
_REFUSED = {
    "x86_64": (
        0xC000003E,
        {
            "socket": 41,
            "connect": 42,
            "accept": 43,
            "bind": 49,
            "listen": 50,
            "socketpair": 53,
            "kill": 62,
            "ptrace": 101,
            "mount": 165,
            "tkill": 200,
            "tgkill": 234,
            "add_key": 248,
            "keyctl": 250,
            "unshare": 272,
            "accept4": 288,
            "perf_event_open": 298,
            "setns": 308,
            "process_vm_readv": 310,
            "process_vm_writev": 311,
            "bpf": 321,
            "userfaultfd": 323,
            "pidfd_send_signal": 424,
            "io_uring_setup": 425,
            "pidfd_getfd": 438,
        },
    ),
    "aarch64": (
        0xC00000B7,
        {
            "socket": 198,
            "socketpair": 199,
            "bind": 200,
            "listen": 201,
            "accept": 202,
            "connect": 203,
            "accept4": 242,
            "kill": 129,
            "tkill": 130,
            "tgkill": 131,
            "ptrace": 117,
            "mount": 40,
            "unshare": 97,
            "add_key": 217,
            "keyctl": 219,
            "perf_event_open": 241,
            "setns": 268,
            "process_vm_readv": 270,
            "process_vm_writev": 271,
            "bpf": 280,
            "userfaultfd": 282,
            "pidfd_send_signal": 424,
            "io_uring_setup": 425,
            "pidfd_getfd": 438,
        },
    ),
}
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one decoding may take: seconds of processor, bytes of memory, bytes of one written file."""

    cpu_s: int
    memory: int
    file: int


class JailError(Exception):
    """This machine cannot confine: nothing may be decoded here."""


def enter(limits: Limits) -> None:
    """Confine this process and all it becomes. Raises JailError; the process must end then."""
    _call("prctl", _PR_SET_PDEATHSIG, _SIGKILL, 0, 0, 0)
    if os.geteuid() == 0:
        _libc.unshare(_CLONE_NEWNET)  # refused in most containers: the filter below stands anyhow
        os.setgroups([])
        os.setresgid(UID, UID, UID)
        os.setresuid(UID, UID, UID)
    _bound(limits)
    os.umask(0o077)
    _call("prctl", _PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    _filter()


def adopt_orphans() -> None:
    """Make this process the parent of every descendant whose own parent ends. Raises JailError."""
    _call("prctl", _PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _bound(limits: Limits) -> None:
    for what, most in (
        (resource.RLIMIT_CPU, limits.cpu_s),
        (resource.RLIMIT_AS, limits.memory),
        (resource.RLIMIT_FSIZE, limits.file),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))
    if os.geteuid() == UID:  # counts all of a user's processes; this user has no others
        resource.setrlimit(resource.RLIMIT_NPROC, (64, 64))


def program(machine: str) -> bytes:
    """The filter as the kernel reads it: an array of struct sock_filter. Raises JailError."""
    if machine not in _REFUSED:
        raise JailError(f"no filter is known for {machine}")
    arch, numbers = _REFUSED[machine]
    listed = sorted(numbers.values())
    lines = [
        (_LOAD, 0, 0, 4),  # seccomp_data.arch
        (_EQUAL, 1, 0, arch),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, 0),  # seccomp_data.nr
        (_AT_LEAST, len(listed) + 1, 0, _X32),
        *((_EQUAL, len(listed) - at, 0, number) for at, number in enumerate(listed)),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _REFUSE),
    ]
    return b"".join(struct.pack("<HBBI", *line) for line in lines)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def _filter() -> None:
    code = program(platform.machine())
    kept = ctypes.create_string_buffer(code, len(code))
    header = _Program(len(code) // 8, ctypes.cast(kept, ctypes.c_void_p))
    _call("prctl", _PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(header), 0, 0)


def _call(name: str, *words: object) -> None:
    given = [ctypes.c_ulong(word) if isinstance(word, int) else word for word in words]
    if getattr(_libc, name)(*given) != 0:
        raise JailError(f"{name}: {os.strerror(ctypes.get_errno())}")
