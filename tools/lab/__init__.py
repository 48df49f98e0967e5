"""The laboratory: a small mobile operator's network in network namespaces of this machine.

system    commands, waiting for a condition
ledger    what a run has made, written down so that it is removed even after a crash
node      one host or router: a namespace, its directories, its processes
topology  the standard network: correspondent, core, gateway, home link, two visited links, mobile node
two_planes the standard network with a second gateway and a control plane on a host of its own
programs  the gateway's programs and the mobile node's, started in a node
capture   packets of an interface into a pcap file, and reading it
traffic   the ping and the download, run inside nodes
"""
