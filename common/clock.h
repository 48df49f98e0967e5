/*
 * Time: the monotonic clock for everything that waits, the real-time clock for people and for the
 * timestamps of RFC 4285. Any thread; a call costs about 25 ns and no system call (vDSO),
 * but clock_ntp_now() draws its random bits with one.
 */
#pragma once

#include <stdint.h>

#define CLOCK_NS_PER_US 1000ull
#define CLOCK_NS_PER_MS 1000000ull
#define CLOCK_NS_PER_S  1000000000ull

/* CLOCK_MONOTONIC in nanoseconds. */
uint64_t clock_mono_ns(void);

/* CLOCK_MONOTONIC in milliseconds. */
uint64_t clock_mono_ms(void);

/* CLOCK_REALTIME in nanoseconds since 1970. */
uint64_t clock_real_ns(void);

/* An NTP timestamp is 64 bits: seconds since 1900 modulo 2^32, and a fraction in 2^-32 s (RFC 5905,
 * 6). clock_ntp_from_ns() converts nanoseconds since 1970 and leaves the bits that a nanosecond
 * does not determine zero. */
uint64_t clock_ntp_from_ns(uint64_t real_ns);

/* Now, with the fraction's lowest bits, which the clock does not give, random (RFC 4285, 6).
 * Later calls never yield an earlier stamp unless the real-time clock is set back. */
uint64_t clock_ntp_now(void);

/* Nanoseconds since 1970 of an NTP timestamp; stamps whose top bit is clear belong to the era that
 * starts in 2036 (RFC 4330, 3). */
uint64_t clock_ntp_to_ns(uint64_t ntp);

/* a - b in nanoseconds, right across the end of an era as long as they are less than 68 years
 * apart. Positive: a is later. */
int64_t clock_ntp_diff_ns(uint64_t a, uint64_t b);

/* Time as RFC 5213, 8.8 has it: seconds since 1970 in the upper 48 bits, 1/65536 s below. */
uint64_t clock_48_16_from_ns(uint64_t real_ns);
