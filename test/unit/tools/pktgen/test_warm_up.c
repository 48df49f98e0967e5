/* How long the generator waits for packets to come back before it counts them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tools/pktgen/command.h"
#include "tools/pktgen/warm_up.h"

enum { DURATION = 200, SENT = 40 };

volatile bool command_stopped;

/* Trials that were run, and what becomes of them. */
static struct {
	unsigned runs;
	unsigned warm_after[PACKET_STREAMS]; /* runs; 0: the stream is not sent */
	bool astray;                         /* what comes back does so */
	unsigned stopped_after, failed_after;
} played;

int traffic_run(struct traffic *t, const struct traffic_trial *trial, traffic_row_fn *fn,
	void *context, const volatile bool *stop, struct traffic_result *result)
{
	(void)t;
	(void)fn;
	(void)context;
	assert_ptr_equal(stop, &command_stopped);
	assert_int_equal(trial->duration_ms, DURATION);
	played.runs++;
	for (unsigned i = 0; i < PACKET_STREAMS; i++) {
		const bool came = played.warm_after[i] && played.runs >= played.warm_after[i];

		result->sent[i].packets = played.warm_after[i] ? SENT : 0;
		result->received[i].packets = came && !played.astray;
		result->received[i].astray = came && played.astray;
	}
	command_stopped = played.runs == played.stopped_after;
	return played.runs == played.failed_after ? -EIO : 0;
}

/* Runs until it is warm. */
static unsigned runs(uint32_t duration_ms)
{
	const struct pktgen_config config = {.traffic = {.warm_up_ms = duration_ms}};
	static struct traffic_result result;

	played.runs = 0;
	command_stopped = false;
	assert_int_equal(warm_up(NULL, &config, &result), played.failed_after ? -EIO : 0);
	return played.runs;
}

static int setup(void **state)
{
	(void)state;
	memset(&played, 0, sizeof(played));
	return 0;
}

static void once_is_enough(void **state)
{
	(void)state;
	played.warm_after[PACKET_DOWNLINK] = played.warm_after[PACKET_UPLINK] = 1;
	assert_int_equal(runs(DURATION), 1);
	assert_int_equal(runs(0), 0);
}

/* The last of the streams counts; one whose packets go astray has its neighbours, too. */
static void until_all_streams_come_back(void **state)
{
	(void)state;
	played.warm_after[PACKET_DOWNLINK] = 2;
	played.warm_after[PACKET_UPLINK] = 7;
	assert_int_equal(runs(DURATION), 7);
	played.astray = true;
	assert_int_equal(runs(DURATION), 7);
}

static void not_for_ever(void **state)
{
	(void)state;
	played.warm_after[PACKET_DOWNLINK] = 1000;
	assert_int_equal(runs(DURATION), 18);
}

static void stopped_and_failed(void **state)
{
	(void)state;
	played.warm_after[PACKET_DOWNLINK] = 1000;
	played.stopped_after = 3;
	assert_int_equal(runs(DURATION), 3);
	played.failed_after = 2;
	assert_int_equal(runs(DURATION), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(once_is_enough, setup),
		cmocka_unit_test_setup(until_all_streams_come_back, setup),
		cmocka_unit_test_setup(not_for_ever, setup),
		cmocka_unit_test_setup(stopped_and_failed, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
