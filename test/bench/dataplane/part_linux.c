/*
 * What the kernel of this machine needs to put the same packets into the same tunnels: routes with
 * seg6 encap.red and one segment, which makes plain IPv6 in IPv6, between two veth pairs. Sending
 * is in the figure, and all of it happens on one core: a veth hands the packet on in its sender's
 * time.
 */
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#include "common/addr.h"
#include "part.h"
#include "rig.h"

enum {
	FRAME = 64,
	BATCH = 64,
	SLICES = 100,
	SLICE_PACKETS = 2048,
	ROUTES = 10000, /* the kernel refuses many more that encapsulate */
	NS = 1000000000,
	ATTEMPTS = 20,
	ATTEMPT_US = 100000,
};

/* Shared by the gateway and the two stations, each in a network namespace of its own. */
struct shared {
	_Atomic int ready, go, done;
	double cycles, pps; /* of the best slice */
	uint64_t sent;
};

static int command(const char *line)
{
	int status = system(line);

	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EIO;
}

static void await(const _Atomic int *value, int wanted)
{
	while (*value < wanted)
		usleep(1000);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS + (uint64_t)t.tv_nsec;
}

static void make_frame(uint8_t frame[FRAME], uint32_t subscriber)
{
	static const uint8_t start[] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x86, 0xdd, 0x60, 0, 0,
		0, 0, FRAME - 54, 17, 64};
	const struct in6_addr src = traffic_addr("2001:db8:c::c"), dst = traffic_home(subscriber);

	memset(frame, 0, FRAME);
	memcpy(frame, start, sizeof(start));
	memcpy(frame + 22, &src, sizeof(src));
	memcpy(frame + 38, &dst, sizeof(dst));
	frame[59] = FRAME - 54;
}

/* Sends to random ones of the first ROUTES subscribers. */
static void send_slices(int fd, struct shared *shared)
{
	static uint8_t frames[ROUTES][FRAME];
	struct mmsghdr messages[BATCH] = {0};
	struct iovec vectors[BATCH];
	uint64_t random = 1;

	for (uint32_t i = 0; i < ROUTES; i++)
		make_frame(frames[i], i);
	for (unsigned slice = 0; slice < SLICES; slice++) {
		uint64_t tsc = __rdtsc(), ns = now_ns();

		for (unsigned n = 0; n < SLICE_PACKETS; n += BATCH) {
			for (unsigned i = 0; i < BATCH; i++) {
				random = random * 6364136223846793005u + 1442695040888963407u;
				vectors[i] = (struct iovec){frames[(random >> 33) % ROUTES], FRAME};
				messages[i].msg_hdr.msg_iov = &vectors[i];
				messages[i].msg_hdr.msg_iovlen = 1;
			}
			int sent = sendmmsg(fd, messages, BATCH, 0);

			if (sent < 0)
				rig_die("sending to the kernel", errno);
			shared->sent += (unsigned)sent;
		}
		double cycles = (double)(__rdtsc() - tsc) / SLICE_PACKETS;

		if (shared->cycles == 0 || cycles < shared->cycles) {
			shared->cycles = cycles;
			shared->pps = (double)SLICE_PACKETS * NS / (double)(now_ns() - ns);
		}
	}
}

/* A process in a network namespace of its own, which gets an interface and, if it is to, sends. */
static pid_t station(const char *interface, bool sends, struct shared *shared)
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET};
	char line[64];
	pid_t pid = fork();
	int fd, on = 1;

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (unshare(CLONE_NEWNET) < 0)
		rig_die("network namespace", errno);
	shared->ready++;
	await(&shared->go, 1);
	snprintf(line, sizeof(line), "ip link set %s up", interface);
	if (command(line) < 0)
		rig_die(interface, EIO);
	shared->ready++;
	while (!sends)
		pause();
	await(&shared->go, 2);
	to.sll_ifindex = (int)if_nametoindex(interface);
	fd = socket(AF_PACKET, SOCK_RAW, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&to, sizeof(to)) < 0 ||
		setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on)) < 0)
		rig_die("packet socket", errno);
	send_slices(fd, shared);
	shared->done = 1;
	_exit(0);
}

/* Packets that the gateway sent on to its nodes. */
static uint64_t count_sent_on(void)
{
	FILE *f = popen("ip -j -s link show g1", "r");
	json_t *links = f ? json_loadf(f, 0, NULL) : NULL;
	json_int_t packets = 0;

	json_unpack(links, "[{s:{s:{s:I}}}]", "stats64", "tx", "packets", &packets);
	json_decref(links);
	if (f)
		pclose(f);
	return (uint64_t)packets;
}

static int print_routes(FILE *f, unsigned routes)
{
	char text[INET6_ADDRSTRLEN];

	for (uint32_t i = 0; i < routes; i++) {
		struct in6_addr home = traffic_home(i), care_of = traffic_care_of(i);

		fprintf(f, "route replace %s/%d encap seg6 mode encap.red segs ",
			addr_format(text, &home), routes == 1 ? 64 : 128);
		fprintf(f, "%s dev g1\n", addr_format(text, &care_of));
	}
	return fflush(f) == 0 ? 0 : -errno;
}

/* Memory for such routes is refused now and then until the kernel has made more, so again. */
static int add_routes(unsigned routes)
{
	FILE *f = tmpfile();
	char line[128];
	int err = f ? print_routes(f, routes) : -errno;

	if (err == 0) {
		snprintf(line, sizeof(line), "ip -6 -batch /proc/%d/fd/%d 2>/dev/null", getpid(),
			fileno(f));
		for (int i = 0; i < ATTEMPTS; i++) {
			err = command(line);
			if (err == 0)
				break;
			usleep(ATTEMPT_US);
		}
	}
	if (f)
		fclose(f);
	return err;
}

/* The gateway between two stations; runs in a namespace of its own. */
static json_t *measure(unsigned routes, struct shared *shared)
{
	static const char *const setup[] = {
		"ip link add g0 address 02:00:00:00:00:01 type veth peer name s0",
		"ip link add g1 type veth peer name r0",
		"sysctl -q -w net.ipv6.conf.all.forwarding=1 net.ipv6.route.max_size=1000000",
		"ip link set lo up && ip link set g0 up && ip link set g1 up",
		"ip -6 address add 2001:db8:2::1/64 dev g1 nodad",
		"ip -6 neighbour add fe80::99 lladdr 02:00:00:00:00:09 dev g1",
		"ip -6 route add 2001:db8:f::/64 via fe80::99 dev g1",
		("ip sr tunsrc set " TRAFFIC_LOCAL),
	};
	char line[128];
	pid_t sender, sink;
	uint64_t sent_on;
	int err = 0;

	if (unshare(CLONE_NEWNET) < 0)
		return NULL;
	sender = station("s0", true, shared);
	sink = station("r0", false, shared);
	await(&shared->ready, 2);
	for (unsigned i = 0; i < sizeof(setup) / sizeof(setup[0]) && err == 0; i++)
		err = command(setup[i]);
	snprintf(line, sizeof(line), "ip link set s0 netns %d && ip link set r0 netns %d", sender,
		sink);
	if (err == 0)
		err = command(line);
	shared->go = 1;
	await(&shared->ready, err ? 0 : 4);
	if (err == 0)
		err = add_routes(routes);
	sent_on = count_sent_on();
	shared->go = 2;
	await(&shared->done, err ? 0 : 1);
	sent_on = count_sent_on() - sent_on;
	kill(sender, SIGKILL);
	kill(sink, SIGKILL);
	if (err < 0)
		return NULL;
	printf("Linux, %5u routes: %.0f cycles, %.2f Mpps, %.1f %% arrived\n", routes,
		shared->cycles, shared->pps / 1e6, 100 * (double)sent_on / (double)shared->sent);
	return json_pack("{s:i,s:i,s:f,s:f,s:f}", "routes", (int)routes, "octets", FRAME, "cycles",
		shared->cycles, "pps", shared->pps, "arrived_percent",
		100 * (double)sent_on / (double)shared->sent);
}

json_t *part_linux(const struct plan *plan)
{
	static const unsigned routes[] = {1, ROUTES};
	json_t *rows = json_array();
	cpu_set_t core;

	CPU_ZERO(&core);
	CPU_SET(atoi(plan->core), &core);
	sched_setaffinity(0, sizeof(core), &core);
	printf("\n");
	for (unsigned i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		struct shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		json_t *row = shared == MAP_FAILED ? NULL : measure(routes[i], shared);

		if (row)
			json_array_append_new(rows, row);
		else
			printf("Linux with %u routes: not measured (needs root and seg6)\n",
				routes[i]);
	}
	return rows;
}
