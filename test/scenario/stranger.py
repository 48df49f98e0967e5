#!/usr/bin/python3
"""Somebody who knocks at the update channel: sends messages under a key and tells what comes back.

stranger.py JSON, with the fields endpoint, messages (hexadecimal), and, unless it speaks without
CURVE, secret, public and server (keys, hexadecimal); routing_id, if it gives itself one. Prints JSON:
replies (hexadecimal) and failed: why the handshake failed, or null."""

import json
import sys
import time

import zmq
from zmq.utils.monitor import recv_monitor_message

FAILURES = {zmq.EVENT_HANDSHAKE_FAILED_AUTH: "key", zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL: "protocol",
            zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL: "ended", zmq.EVENT_DISCONNECTED: "ended"}
PATIENCE = 60


def main():
    wish = json.loads(sys.argv[1])
    sock = zmq.Context().socket(zmq.DEALER)
    sock.linger = 0
    if "secret" in wish:
        sock.curve_secretkey = bytes.fromhex(wish["secret"])
        sock.curve_publickey = bytes.fromhex(wish["public"])
        sock.curve_serverkey = bytes.fromhex(wish["server"])
    if "routing_id" in wish:
        sock.routing_id = wish["routing_id"].encode()
    monitor = sock.get_monitor_socket()
    sock.connect(wish["endpoint"])
    for message in wish["messages"]:
        sock.send(bytes.fromhex(message))
    replies, failed = [], None
    poller = zmq.Poller()
    poller.register(sock, zmq.POLLIN)
    poller.register(monitor, zmq.POLLIN)
    end = time.monotonic() + PATIENCE
    while not replies and not failed and time.monotonic() < end:
        for ready, _ in poller.poll(100):
            if ready is sock:
                replies.append(sock.recv().hex())
            else:
                failed = FAILURES.get(recv_monitor_message(monitor)["event"])
    print(json.dumps({"replies": replies, "failed": failed}))


main()
