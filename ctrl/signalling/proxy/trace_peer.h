/*
 * What an anchor and a gateway say to each other about a node beside registrations, for who traces
 * that node: Binding Revocations (RFC 5846), Update Notifications (RFC 7077).
 */
#pragma once

#include "ctrl/binding/session.h"
#include "ctrl/signalling/tracer.h"
#include "proto/mobility/mh.h"

/* All live during the call only. */
struct trace_peer {
	enum tracer_kind kind; /* TRACER_RECEIVED or TRACER_SENT */
	const struct mh *mh;
	const char *outcome;            /* NULL: the name of the status of an acknowledgement */
	const char *data_plane;         /* NULL: any */
	const struct in6_addr *care_of; /* of the gateway */
	const struct session_mn_id
		*mn_id;        /* NULL, or len 0: as the message says; else of whom it is */
	const uint8_t *octets; /* IPv6 packet */
	size_t len;
};

/* Tells of a message, if it is about a node and somebody wishes it. */
void trace_peer(const struct tracer *tracer, const struct trace_peer *what);
