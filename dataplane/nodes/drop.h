/*
 * Why a worker drops a packet. Each reason is a graph node "drop_NAME" that other nodes name in
 * their next_nodes, and a counter of each worker.
 */
#pragma once

/* X(identifier, what it means) */
#define DROP_REASONS(X)                                                                            \
	X(foreign_mac, "frame for another station")                                                \
	X(bad_ip6_version, "version is not 6")                                                     \
	X(bad_ip6_length, "frame or fragment shorter than its IPv6 header says")                   \
	X(bad_ip6_source, "source is multicast, loopback or unspecified")                          \
	X(bad_ip6_destination, "destination is unspecified, loopback or IPv4-mapped")              \
	X(bad_header_chain, "extension headers truncated, too many or out of bounds")              \
	X(bad_icmp6, "ICMPv6 message truncated or with a wrong checksum")                          \
	X(bad_neighbour, "Neighbour Discovery message breaks a rule of RFC 4861, 7.1")             \
	X(neighbour_unicast, "Neighbour Discovery message for a subscriber's address")             \
	X(multicast, "multicast beyond the link for a group that is not forwarded")                \
	X(multicast_member, "multicast for a group or source that nobody wants")                   \
	X(multicast_port, "multicast by another port than that of its group")                      \
	X(multicast_full, "too many multicast packets wait to be copied")                          \
	X(multicast_rate, "multicast beyond the rate of its group")                                \
	X(scope, "link-local source or destination cannot leave its link")                         \
	X(hop_limit, "hop limit is used up")                                                       \
	X(no_route, "no route to the destination")                                                 \
	X(blackhole, "route says drop or refuse")                                                  \
	X(too_big, "larger than the MTU of the way out")                                           \
	X(tunnel_fragment, "fragment of a tunnel packet that could not be reassembled")            \
	X(tunnel_inner, "packet in a tunnel is malformed")                                         \
	X(tunnel_scope, "packet in a tunnel has a link-local address, or is from a group")         \
	X(tunnel_multicast, "multicast to a group that does not come by this tunnel")              \
	X(tunnel_nested, "packet in a tunnel is a tunnel packet for a local address")              \
	X(tunnel_ecn, "congestion marked outside, not capable inside (RFC 6040, 4.2)")             \
	X(tunnel_kind, "tunnelled packet in GRE of a tunnel without, or the other way round")      \
	X(gre_header, "GRE header truncated, with reserved bits or a wrong checksum (RFC 2784)")   \
	X(gre_protocol, "GRE carries something else than IPv6")                                    \
	X(gre_key, "GRE key is not that of the subscriber's tunnel (RFC 5845, 5.2)")               \
	X(gre_late, "GRE sequence number of before, or for the second time (RFC 2890, 2.2)")       \
	X(gre_gone, "waited for earlier ones, and its subscriber was gone (RFC 2890, 2.2)")        \
	X(gre_ring, "ring to the worker that puts packets in order is full")                       \
	X(tunnel_loop, "packet to be tunnelled has the addresses of its tunnel (RFC 2473, 4.1.2)") \
	X(tunnel_limit, "tunnel encapsulation limit is used up (RFC 2473, 4.1.1)")                 \
	X(unknown_source, "source of a tunnelled packet is no subscriber's")                       \
	X(wrong_care_of, "tunnelled packet not from a care-of address of its subscriber")          \
	X(rule, "a rule of its subscriber drops it")                                               \
	X(access_unknown, "from an access link, of no subscriber that is attached there")          \
	X(access_foreign, "from an access link, with the address of a subscriber elsewhere")       \
	X(hold_full, "as many packets wait for its subscriber's next link as may")                 \
	X(hold_room,                                                                               \
		"as many packets wait for subscribers' next links as may, or buffers are few")     \
	X(hold_late, "waited too long for its subscriber's next link")                             \
	X(hold_gone, "waited for its subscriber's next link, and the subscriber was gone")         \
	X(relay_twice, "relayed packet for a subscriber at the address of a data plane")           \
	X(relay_unknown, "relayed packet for no subscriber that is known here")                    \
	X(tunnel_error_stale, "ICMPv6 error about a tunnel that is not, or no more, as it says")   \
	X(tunnel_error_absorbed, "ICMPv6 error of a tunnel that is not for the inner sender")      \
	X(icmp6_forbidden, "packet that no ICMPv6 error may answer (RFC 4443, 2.4 e)")             \
	X(icmp6_rate, "ICMPv6 error beyond the rate limit (RFC 4443, 2.4 f)")                      \
	X(icmp6_no_source, "no local address to send an ICMPv6 error from")                        \
	X(domain, "of a domain, whose packets have no way there (RFC 5845)")                       \
	X(no_subscriber, "injected for a subscriber that is not there")                            \
	X(no_room, "no room in front of the packet for another header")                            \
	X(no_buffer, "packet buffers have run out")                                                \
	X(punt_full, "ring to control is full")                                                    \
	X(mirror_full, "ring to the kernel is full")                                               \
	X(resolve_full, "ring of packets that wait for a next hop is full")                        \
	X(port_gone, "the port it leaves by does not exist")                                       \
	X(tx_full, "transmit queue is full")

enum drop_reason {
#define X(name, help) DROP_##name,
	DROP_REASONS(X)
#undef X
		DROP_COUNT
};

/* Name of a reason ("bad_ip6_length") and what it means, for counters and JSON. */
const char *drop_reason_name(enum drop_reason reason);
const char *drop_reason_help(enum drop_reason reason);
