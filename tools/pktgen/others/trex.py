#!/usr/bin/python3
"""The gateway's traffic with TRex: sends the captures that `captures` has written, and counts.

    t-rex-64 -i &
    PYTHONPATH=.../automation/trex_control_plane/interactive trex.py DIRECTORY --rate 1000000

Port 0 is the side of the correspondents, port 1 that of the care-of addresses: packets sent on one
arrive at the other. The server reads the captures, so it must see them under the same path. Streams
of TRex itself would need a checksum for each packet; captures have theirs."""

import argparse
import json
import pathlib
import time

from trex.stl.api import STLClient

DOWNLINK, UPLINK = 0, 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("--server", default="127.0.0.1")
    parser.add_argument("--rate", type=float, default=100000, help="packets a second of each port (100000)")
    parser.add_argument("--seconds", type=float, default=10, help="how long (10)")
    options = parser.parse_args()
    client = STLClient(server=options.server)
    client.connect()
    try:
        client.reset(ports=[DOWNLINK, UPLINK])
        client.clear_stats()
        for port, name in ((DOWNLINK, "downlink"), (UPLINK, "uplink")):
            client.push_remote(str((options.directory / f"{name}.pcap").resolve()), ports=[port],
                               ipg_usec=1e6 / options.rate, count=0, duration=options.seconds,
                               src_mac_pcap=False, dst_mac_pcap=True)
        client.wait_on_traffic(ports=[DOWNLINK, UPLINK])
        time.sleep(2)  # RFC 2544, 23
        stats = client.get_stats()
    finally:
        client.disconnect()
    figures = {name: {"sent": stats[port]["opackets"], "received": stats[1 - port]["ipackets"]}
               for port, name in ((DOWNLINK, "downlink"), (UPLINK, "uplink"))}
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
