"""One host or router of the laboratory: a network namespace with directories and processes of its own."""

import ctypes
import errno
import fcntl
import json
import os
import pathlib
import shlex
import shutil
import signal
import socket
import struct
import subprocess
import threading

from lab.system import LabError, run, tail, wait_for

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
SIOCGIFINDEX = 0x8933

# Programs find their sockets, stores and keys under these, on every node: each node has its own.
PRIVATE = {"run": "/run/dmm", "lib": "/var/lib/dmm", "etc": "/etc/dmm"}


class Process:
    """A program that runs in a node. Its output goes to 'log'."""

    def __init__(self, node, name, popen, log):
        self.node, self.name, self.popen, self.log = node, name, popen, log

    @property
    def pid(self):
        return self.popen.pid

    def running(self):
        return self.popen.poll() is None

    def require(self):
        """Raises with the end of its log if the program has ended."""
        if not self.running():
            raise LabError(f"{self.name} ended with {self.popen.returncode}:\n{tail(self.log)}")

    def send(self, number):
        if self.running():
            self.popen.send_signal(number)

    def stop(self, number=signal.SIGTERM, limit=60):
        """Asks the program to end and waits; returns its exit status."""
        self.send(number)
        try:
            return self.popen.wait(limit)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
            raise LabError(f"{self.name} did not end within {limit} s of signal {number}") from None

    def wait(self, limit=60):
        try:
            return self.popen.wait(limit)
        except subprocess.TimeoutExpired:
            raise LabError(f"{self.name} still runs after {limit} s") from None

    def output(self):
        return pathlib.Path(self.log).read_text(errors="replace")


class Node:
    """A namespace called PREFIX-NAME. 'directory' holds its logs and private directories."""

    def __init__(self, lab, name):
        self.lab, self.name = lab, name
        self.namespace = f"{lab.prefix}-{name}"
        self.directory = lab.directory / name
        self.processes = []
        shutil.rmtree(self.directory, ignore_errors=True)
        lab.ledger.note("namespace", name=self.namespace)
        run("ip", "netns", "add", self.namespace)
        for private, mount_point in PRIVATE.items():
            (self.directory / private).mkdir(parents=True, exist_ok=True)
            pathlib.Path(mount_point).mkdir(parents=True, exist_ok=True)
        self.mounts = self._make_mounts()
        # No duplicate address detection for what the laboratory itself configures: it is not the
        # subject, and a second per address and node adds up.
        self.sysctl({"net.ipv6.conf.all.accept_dad": 0, "net.ipv6.conf.default.accept_dad": 0,
                     "net.ipv6.conf.default.router_solicitation_delay": 0})
        self.ip("link set lo up")

    def _mounting(self):
        """The command line that runs what follows in this node, with mounts of its own."""
        mounts = " && ".join(f"mount --bind '{self.directory}/{private}' {mount_point}"
                             for private, mount_point in PRIVATE.items())
        return ["ip", "netns", "exec", self.namespace, "sh", "-c", f'{mounts} && exec "$@"', "sh"]

    def _make_mounts(self):
        """A file descriptor of the mounts that all programs of this node share: to enter them is much
        quicker than to make them for each."""
        with subprocess.Popen([*self._mounting(), "sh", "-c", "echo made && exec cat"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE) as maker:
            if not maker.stdout.readline():
                raise LabError(f"the directories of {self.namespace} cannot be mounted")
            mounts = os.open(f"/proc/{maker.pid}/ns/mnt", os.O_RDONLY)
            maker.stdin.close()
        return mounts

    def inside(self, command):
        """The command line that runs 'command' in this node (its network, its directories)."""
        return ["nsenter", f"--net=/run/netns/{self.namespace}",
                f"--mount=/proc/{os.getpid()}/fd/{self.mounts}", f"--wdns={os.getcwd()}", "--",
                *[str(word) for word in command]]

    def write_door(self, folders):
        """Writes a script that runs a command in this node, for a person who looks around; programs
        are also found in the folders. Returns its path."""
        door = self.directory / "enter"
        path = ":".join(str(folder) for folder in folders)
        command = " ".join(shlex.quote(word) for word in self._mounting())
        door.write_text(f'#!/bin/sh\nPATH={shlex.quote(path)}:$PATH exec {command} "$@"\n')
        door.chmod(0o755)
        return door

    def run(self, *command, **options):
        """Runs a command in the node to its end and returns its output."""
        return run(*self.inside(command), **options)

    def ip(self, *commands):
        """ip commands, as one batch: 'link set lo up', 'address add ...'."""
        run("ip", "-netns", self.namespace, "-batch", "-", stdin="\n".join(commands) + "\n")

    def ip_json(self, *words):
        """What an ip command shows, as data."""
        return json.loads(run("ip", "-netns", self.namespace, "-json", *words) or "[]")

    def has_link(self, name):
        # No program is run for it: it is asked while others start that need the processor.
        with self.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            try:
                fcntl.ioctl(sock, SIOCGIFINDEX, struct.pack("16s24x", name.encode()))
            except OSError as error:
                if error.errno == errno.ENODEV:
                    return False
                raise
        return True

    def addresses(self, interface):
        """Addresses of an interface as {address: set of flags}."""
        found = {}
        for link in self.ip_json("address", "show", "dev", interface):
            for info in link["addr_info"]:
                if "local" in info:
                    found[info["local"]] = {key for key, value in info.items() if value is True}
        return found

    def sysctl(self, values):
        lines = [f"{key}={value}" for key, value in values.items()]
        run("ip", "netns", "exec", self.namespace, "sysctl", "-q", "-w", *lines)

    def start(self, name, *command, env=None):
        """Starts a program in the node; it is ended with the laboratory at the latest."""
        log = self.directory / f"{name}.log"
        with open(log, "ab") as file:
            popen = subprocess.Popen(self.inside(command), stdin=subprocess.DEVNULL, stdout=file,
                                     stderr=file, start_new_session=True,
                                     env=os.environ | (env or {}))
        self.lab.ledger.note_process("process", popen.pid)
        process = Process(self, name, popen, log)
        self.processes.append(process)
        return process

    def socket(self, *args):
        """A socket of this node's network, for use by the calling program itself."""
        made, failed = [], []

        def make():
            # setns works on one thread, and this one ends with its namespace.
            try:
                with open(f"/run/netns/{self.namespace}") as file:
                    if LIBC.setns(file.fileno(), CLONE_NEWNET) != 0:
                        raise OSError(ctypes.get_errno(), "setns")
                made.append(socket.socket(*args))
            except OSError as error:
                failed.append(error)

        thread = threading.Thread(target=make)
        thread.start()
        thread.join()
        if failed:
            raise failed[0]
        return made[0]

    def packet_socket(self, interface):
        """An AF_PACKET socket on an interface: sees every frame, sends whole frames. It holds what
        comes while its reader has to wait for a processor."""
        all_protocols, so_rcvbufforce, room = 3, 33, 64 << 20
        sock = self.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(all_protocols))
        sock.setsockopt(socket.SOL_SOCKET, so_rcvbufforce, room)
        sock.bind((interface, all_protocols))
        return sock

    def mac(self, interface):
        return self.ip_json("link", "show", "dev", interface)[0]["address"]

    def wait_link(self, name, limit=60):
        wait_for(lambda: self.has_link(name), f"interface {name} on {self.name}", limit)

    def close(self):
        """Ends its programs."""
        for process in reversed(self.processes):
            if process.running():
                try:
                    process.stop()
                except LabError:
                    pass
        os.close(self.mounts)


def veth(a, name_a, b, name_b):
    """A cable between two nodes. Checksums are finished by the sender: a data plane that reads
    the other end with AF_PACKET would forward unfinished ones."""
    run("ip", "-netns", a.namespace, "link", "add", name_a, "type", "veth", "peer", "name", name_b,
        "netns", b.namespace)
    for node, name in ((a, name_a), (b, name_b)):
        run("ip", "netns", "exec", node.namespace, "ethtool", "-K", name, "tx", "off")
        node.ip(f"link set {name} up")
