#include "ctrl/loop.h"

#include "common/clock.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

enum {
	LOOP_SOURCES_MAX = 16,
	LOOP_WHEELS_MAX = 6,
	LOOP_HOOKS_MAX = 8,
	/* Timers touched in a round: a million that end together must not hold up the rest. */
	LOOP_TIMERS_MAX = 4096,
};

struct loop_source {
	struct zsock *socket; /* or NULL: a descriptor */
	loop_fn *fn;
	void *arg;
};

struct loop_hook {
	loop_fn *fn;
	void *arg;
};

struct loop {
	struct wheel own;
	struct wheel *wheels[LOOP_WHEELS_MAX];
	size_t wheel_count;
	struct loop_source sources[LOOP_SOURCES_MAX];
	struct pollfd fds[LOOP_SOURCES_MAX];
	size_t source_count;
	struct loop_hook hooks[LOOP_HOOKS_MAX];
	size_t hook_count;
	uint64_t now_ns;
	uint64_t real_ns;
	bool stop, hurry;
	struct histogram rounds;
};

static void take_time(struct loop *loop)
{
	loop->now_ns = clock_mono_ns();
	loop->real_ns = clock_real_ns();
}

struct loop *loop_new(void)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return NULL;
	take_time(loop);
	wheel_init(&loop->own, loop->now_ns, loop);
	loop->wheels[loop->wheel_count++] = &loop->own;
	return loop;
}

void loop_free(struct loop *loop)
{
	free(loop);
}

static int add_source(struct loop *loop, struct zsock *socket, int fd, loop_fn *fn, void *arg)
{
	size_t i = loop->source_count;

	if (fd < 0)
		return fd;
	if (i == LOOP_SOURCES_MAX)
		return -ENOSPC;
	loop->sources[i] = (struct loop_source){.socket = socket, .fn = fn, .arg = arg};
	loop->fds[i] = (struct pollfd){.fd = fd, .events = POLLIN};
	loop->source_count++;
	return 0;
}

int loop_add_socket(struct loop *loop, struct zsock *socket, loop_fn *fn, void *arg)
{
	return add_source(loop, socket, zsock_fd(socket), fn, arg);
}

int loop_add_fd(struct loop *loop, int fd, loop_fn *fn, void *arg)
{
	return add_source(loop, NULL, fd < 0 ? -EBADF : fd, fn, arg);
}

int loop_add_wheel(struct loop *loop, struct wheel *wheel)
{
	if (loop->wheel_count == LOOP_WHEELS_MAX)
		return -ENOSPC;
	loop->wheels[loop->wheel_count++] = wheel;
	return 0;
}

int loop_add_flush(struct loop *loop, loop_fn *fn, void *arg)
{
	if (loop->hook_count == LOOP_HOOKS_MAX)
		return -ENOSPC;
	loop->hooks[loop->hook_count++] = (struct loop_hook){.fn = fn, .arg = arg};
	return 0;
}

uint64_t loop_now_ns(const struct loop *loop)
{
	return loop->now_ns;
}

uint64_t loop_real_ns(const struct loop *loop)
{
	return loop->real_ns;
}

void loop_arm_ms(struct loop *loop, struct wheel_timer *timer, uint64_t delay_ms)
{
	wheel_arm(&loop->own, timer, loop->now_ns + delay_ms * CLOCK_NS_PER_MS);
}

void loop_arm_at(struct loop *loop, struct wheel_timer *timer, uint64_t at_ns)
{
	wheel_arm(&loop->own, timer, at_ns);
}

void loop_cancel(struct loop *loop, struct wheel_timer *timer)
{
	wheel_cancel(&loop->own, timer);
}

/* Whether a socket has something to read: its descriptor tells only once (zsock.h). */
static bool source_ready(const struct loop *loop, size_t i)
{
	const struct loop_source *source = &loop->sources[i];

	return source->socket ? zsock_readable(source->socket)
			      : loop->fds[i].revents & (POLLIN | POLLHUP | POLLERR);
}

/* Milliseconds to wait for: until the next timer, none when a socket still has something. */
static int wait_time(const struct loop *loop, int wait_ms)
{
	uint64_t next = UINT64_MAX, ms;

	if (loop->hurry)
		return 0;
	for (size_t i = 0; i < loop->source_count; i++)
		if (loop->sources[i].socket && zsock_readable(loop->sources[i].socket))
			return 0;
	for (size_t i = 0; i < loop->wheel_count; i++) {
		uint64_t at = wheel_next_ns(loop->wheels[i]);

		next = at < next ? at : next;
	}
	if (next == UINT64_MAX)
		return wait_ms;
	uint64_t now = clock_mono_ns();

	if (next <= now)
		return 0;
	ms = (next - now + CLOCK_NS_PER_MS - 1) / CLOCK_NS_PER_MS;
	if (wait_ms >= 0 && ms > (uint64_t)wait_ms)
		return wait_ms;
	return ms > 60000 ? 60000 : (int)ms;
}

void loop_hurry(struct loop *loop)
{
	loop->hurry = true;
}

int loop_round(struct loop *loop, int wait_ms)
{
	if (poll(loop->fds, loop->source_count, wait_time(loop, wait_ms)) < 0 && errno != EINTR)
		return -errno;
	take_time(loop);
	loop->hurry = false;
	for (size_t i = 0; i < loop->source_count; i++)
		if (source_ready(loop, i))
			loop->sources[i].fn(loop->sources[i].arg);
	for (size_t i = 0; i < loop->wheel_count; i++)
		wheel_advance(loop->wheels[i], loop->now_ns, LOOP_TIMERS_MAX);
	for (size_t i = 0; i < loop->hook_count; i++)
		loop->hooks[i].fn(loop->hooks[i].arg);
	histogram_add(&loop->rounds, clock_mono_ns() - loop->now_ns);
	return 0;
}

const struct histogram *loop_rounds(const struct loop *loop)
{
	return &loop->rounds;
}

int loop_run(struct loop *loop)
{
	int error = 0;

	while (!loop->stop && !error)
		error = loop_round(loop, -1);
	loop->stop = false;
	return error;
}

void loop_stop(struct loop *loop)
{
	loop->stop = true;
}
