"""The traffic of the demo: a ping and a download, each end a program inside a node.

    traffic.py ping SOURCE DESTINATION PER_SECOND   echo requests, until ended
    traffic.py hear ADDRESS                         echo requests that arrive, until ended
    traffic.py serve ADDRESS PORT BYTES_PER_SECOND  a download for one client, until ended
    traffic.py fetch SOURCE ADDRESS PORT            the client

Each writes one JSON line to its output for each thing that happens, with times in nanoseconds
since 1970: the lines are the measurement."""

import hashlib
import json
import os
import random
import select
import signal
import socket
import struct
import sys
import threading
import time

ECHO_REQUEST, ECHO_REPLY = 128, 129
ICMP6_FILTER = 1
SO_RCVBUFFORCE, SO_TIMESTAMPNS = 33, 35
PAYLOAD = struct.Struct("!QQ")  # number, time of sending
CHUNK = 16384


def report(**what):
    sys.stdout.write(json.dumps(what, separators=(",", ":")) + "\n")
    sys.stdout.flush()


def echo_socket(address, wanted):
    sock = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
    blocked = [0xFFFFFFFF] * 8
    blocked[wanted >> 5] &= ~(1 << (wanted & 31)) & 0xFFFFFFFF
    sock.setsockopt(socket.IPPROTO_ICMPV6, ICMP6_FILTER, struct.pack("=8I", *blocked))
    sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    # What comes while we have to wait for a processor.
    sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 4 << 20)
    sock.bind((address, 0))
    return sock


def received(sock, identifier):
    """One echo packet as (number, time sent, time received); None if it is another program's."""
    data, ancillary, _, _ = sock.recvmsg(2048, 256)
    if len(data) < 8 + PAYLOAD.size or (identifier and struct.unpack_from("!H", data, 4)[0] != identifier):
        return None
    at = time.time_ns()
    for level, kind, value in ancillary:
        if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS:
            seconds, nanoseconds = struct.unpack("qq", value)
            at = seconds * 1_000_000_000 + nanoseconds
    number, sent = PAYLOAD.unpack_from(data, 8)
    return number, sent, at


def ping(source, destination, per_second):
    sock = echo_socket(source, ECHO_REPLY)
    identifier = os.getpid() & 0xFFFF or 1
    interval = 1 / float(per_second)

    def listen():
        while True:
            got = received(sock, identifier)
            if got:
                report(event="reply", number=got[0], sent=got[1], at=got[2])

    threading.Thread(target=listen, daemon=True).start()
    next_time = time.monotonic()
    number = 0
    while True:
        now = time.time_ns()
        message = struct.pack("!BBHHH", ECHO_REQUEST, 0, 0, identifier, number & 0xFFFF)
        message += PAYLOAD.pack(number, now) + bytes(40)
        try:
            sock.sendto(message, (destination, 0))
            report(event="sent", number=number, at=now)
        except OSError as error:
            report(event="unsent", number=number, at=now, error=str(error))
        number += 1
        next_time += interval
        time.sleep(max(0, next_time - time.monotonic()))


def hear(address):
    sock = echo_socket("::", ECHO_REQUEST)
    while True:
        got = received(sock, None)
        if got:
            report(event="heard", number=got[0], sent=got[1], at=got[2])


def serve(address, port, bytes_per_second):
    listener = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((address, int(port)))
    listener.listen(1)
    report(event="listening")
    ended = []
    signal.signal(signal.SIGTERM, lambda *_: ended.append(True))
    while not ended and not select.select([listener], [], [], 0.1)[0]:
        pass
    if ended:
        return
    client, _ = listener.accept()
    content = random.Random(4285)
    digest = hashlib.sha256()
    sent = 0
    next_time = time.monotonic()
    while not ended:
        chunk = content.randbytes(CHUNK)
        client.sendall(chunk)
        digest.update(chunk)
        sent += CHUNK
        # What an interruption held back is not made up for.
        next_time = max(next_time, time.monotonic() - 0.05) + CHUNK / float(bytes_per_second)
        time.sleep(max(0, next_time - time.monotonic()))
    # Before the client can know that this was all.
    report(event="served", bytes=sent, sha256=digest.hexdigest())
    client.shutdown(socket.SHUT_WR)
    client.settimeout(60)
    try:
        client.recv(1)  # the client closes when it has everything
    except OSError:
        pass


def fetch(source, address, port):
    sock = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
    sock.bind((source, 0))
    sock.connect((address, int(port)))
    report(event="connected")
    digest = hashlib.sha256()
    total = told = 0
    told_at = time.monotonic()
    while True:
        chunk = sock.recv(1 << 16)
        if not chunk:
            break
        digest.update(chunk)
        total += len(chunk)
        if time.monotonic() - told_at >= 0.05:
            report(event="got", at=time.time_ns(), bytes=total - told)
            told, told_at = total, time.monotonic()
    report(event="fetched", bytes=total, sha256=digest.hexdigest())


if __name__ == "__main__":
    commands = {"ping": ping, "hear": hear, "serve": serve, "fetch": fetch}
    if len(sys.argv) < 2 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    try:
        commands[sys.argv[1]](*sys.argv[2:])
    except KeyboardInterrupt:
        pass
