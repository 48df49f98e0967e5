/*
 * Errors of mobility signalling: what is told to the home agent about its messages (RFC 6275, 9.2
 * and 9.3.3), and what its errors mean for the node (11.3.5 and 11.3.6). They are not
 * authenticated, so none of them undoes anything.
 *
 * All functions work on the one struct mn; same thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct mn;
struct bul_answer;

/* A Binding Error of this status. */
void errors_binding(struct mn *mn, uint8_t status);

/* A Parameter Problem about a Binding Update of ours: its code and the update's sequence number. */
void errors_parameter_problem(struct mn *mn, const struct bul_answer *problem);

/* Answers a message of a type that nobody knows with a Binding Error. */
void errors_unknown_type(struct mn *mn);

/* Answers the packet with a Parameter Problem that points at the octet `pointer` of it. */
void errors_bad_field(struct mn *mn, const uint8_t *pkt, size_t len, uint32_t pointer);
