#include "common/clock.h"

#include <sys/random.h>
#include <time.h>

/* Seconds from 1900 to 1970. */
#define NTP_UNIX_OFFSET 2208988800ull

static uint64_t read_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * CLOCK_NS_PER_S + (uint64_t)ts.tv_nsec;
}

uint64_t clock_mono_ns(void)
{
	return read_ns(CLOCK_MONOTONIC);
}

uint64_t clock_mono_ms(void)
{
	return clock_mono_ns() / CLOCK_NS_PER_MS;
}

uint64_t clock_real_ns(void)
{
	return read_ns(CLOCK_REALTIME);
}

uint64_t clock_ntp_from_ns(uint64_t real_ns)
{
	uint64_t seconds = real_ns / CLOCK_NS_PER_S + NTP_UNIX_OFFSET;
	uint64_t rest = real_ns % CLOCK_NS_PER_S;

	/* Rounded up, so that clock_ntp_to_ns(), which rounds down, gives the same nanosecond. */
	return seconds << 32 | ((rest << 32) + CLOCK_NS_PER_S - 1) / CLOCK_NS_PER_S;
}

uint64_t clock_ntp_now(void)
{
	uint8_t noise = 0;

	/* A nanosecond is 4.29 units of the fraction, hence two free bits: values 0 to 3 stay
	 * below the stamp of the next nanosecond. */
	if (getrandom(&noise, sizeof(noise), GRND_NONBLOCK) < 0)
		noise = 0;
	return clock_ntp_from_ns(clock_real_ns()) + (noise & 3);
}

uint64_t clock_ntp_to_ns(uint64_t ntp)
{
	uint64_t seconds = ntp >> 32;
	uint64_t fraction = ntp & UINT32_MAX;

	if (!(seconds & 1ull << 31))
		seconds += 1ull << 32;
	return (seconds - NTP_UNIX_OFFSET) * CLOCK_NS_PER_S + (fraction * CLOCK_NS_PER_S >> 32);
}

int64_t clock_ntp_diff_ns(uint64_t a, uint64_t b)
{
	int64_t units = (int64_t)(a - b);

	return (int64_t)((__int128)units * (int64_t)CLOCK_NS_PER_S / ((__int128)1 << 32));
}

uint64_t clock_48_16_from_ns(uint64_t real_ns)
{
	return (real_ns / CLOCK_NS_PER_S) << 16 |
	       ((real_ns % CLOCK_NS_PER_S) << 16) / CLOCK_NS_PER_S;
}
