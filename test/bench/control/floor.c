#include "floor.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/histogram.h"
#include "common/zsock.h"
#include "ctrl/binding/binding.h"
#include "ctrl/store/store.h"
#include "rig.h"

enum { KEY = 18, ECHO_OCTETS = 256 };

static struct histogram times;

static void put(struct store *store, uint64_t number)
{
	uint64_t hash = (number + 1) * 0x9e3779b97f4a7c15u;
	uint8_t record[BINDING_RECORD_SIZE] = {BINDING_RECORD_VERSION}, key[KEY] = {0x20, 1};

	memcpy(key + 8, &hash, sizeof(hash));
	memcpy(record + 8, &number, sizeof(number));
	if (store_put(store, STORE_BINDING, key, sizeof(key), record, sizeof(record)) < 0)
		rig_die("floor", "a record cannot be put");
}

static void measure_store(const char *folder, uint32_t records, double seconds, struct floor *floor)
{
	uint64_t begun, end_ns, written = 0;
	struct store_why why;
	struct store *store;
	char path[128];

	snprintf(path, sizeof(path), "%s/floor", folder);
	if (store_open(&store, path, &why) < 0)
		rig_die("floor", why.text);
	begun = clock_mono_ns();
	end_ns = begun + (uint64_t)(seconds * CLOCK_NS_PER_S);
	while (clock_mono_ns() < end_ns) {
		uint64_t batch_ns = clock_mono_ns();

		for (unsigned i = 0; i < floor->batch; i++)
			put(store, written++ % records);
		if (store_commit(store) < 0)
			rig_die("floor", "the store refuses a batch");
		histogram_add(&times, clock_mono_ns() - batch_ns);
	}
	floor->store_writes =
		(double)written / ((double)(clock_mono_ns() - begun) / CLOCK_NS_PER_S);
	floor->store_ms = (double)histogram_percentile(&times, 50) / CLOCK_NS_PER_MS;
	store_close(store);
}

static void wait_message(struct zsock *z, struct zsock_message *m)
{
	while (zsock_recv(z, m) < 0) {
		struct pollfd fd = {.fd = zsock_fd(z), .events = POLLIN};

		poll(&fd, 1, 100);
	}
}

static void *echo(void *arg)
{
	struct zsock *z = arg;
	size_t len;

	do {
		struct zsock_message m;

		wait_message(z, &m);
		const struct iovec parts[] = {
			{(void *)zsock_part(&m, 0), zsock_part_len(&m, 0)},
			{(void *)zsock_part(&m, 1), zsock_part_len(&m, 1)},
		};
		len = parts[1].iov_len;
		if (len)
			zsock_send(z, parts, 2);
		zsock_message_close(&m);
	} while (len);
	return NULL;
}

static void measure_echo(const char *folder, double seconds, struct floor *floor)
{
	const struct zsock_options router = {.type = ZMQ_ROUTER}, dealer = {.type = ZMQ_DEALER};
	struct zsock there = {0}, here = {0};
	uint64_t begun = clock_mono_ns();
	uint64_t end_ns = begun + (uint64_t)(seconds * CLOCK_NS_PER_S);
	char octets[ECHO_OCTETS] = {0}, path[128];
	pthread_t thread;

	snprintf(path, sizeof(path), "ipc://%s/echo", folder);
	histogram_clear(&times);
	if (zsock_bind(&there, &router, path) < 0 || zsock_connect(&here, &dealer, path) < 0 ||
		pthread_create(&thread, NULL, echo, &there) != 0)
		rig_die("floor", "no echo");
	while (clock_mono_ns() < end_ns) {
		uint64_t sent = clock_mono_ns();
		struct zsock_message m;

		zsock_send1(&here, octets, sizeof(octets));
		wait_message(&here, &m);
		zsock_message_close(&m);
		histogram_add(&times, clock_mono_ns() - sent);
	}
	zsock_send1(&here, octets, 0);
	pthread_join(thread, NULL);
	floor->echo_ms = (double)histogram_percentile(&times, 50) / CLOCK_NS_PER_MS;
	floor->echo_messages =
		(double)times.count / ((double)(clock_mono_ns() - begun) / CLOCK_NS_PER_S);
	zsock_close(&here);
	zsock_close(&there);
}

struct floor floor_measure(const char *folder, unsigned batch, uint32_t records, double seconds)
{
	struct floor floor = {.batch = batch ? batch : 1};

	measure_echo(folder, seconds / 3, &floor);
	histogram_clear(&times);
	measure_store(folder, records, seconds * 2 / 3, &floor);
	return floor;
}
