#include "dataplane/agent/upstream.h"

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uthash.h>

#include "common/log.h"
#include "dataplane/tables/bits.h"

enum { RETRY_MS = 1000 };

struct key {
	struct in6_addr source; /* unspecified: any */
	struct in6_addr group;
};

struct membership {
	struct key key;
	uint32_t refs;   /* groups of the table that it is for; more than one only for a moment */
	uint32_t socket; /* its number + 1; 0: refused */
	UT_hash_handle hh;
};

/* A socket has memberships of one kind: Linux allows no group in both. */
struct socket {
	int fd;
	uint32_t used;
	bool any;
};

struct upstream {
	struct group_table *groups;
	struct membership **of; /* by the number of the group; NULL: unwanted */
	struct membership *all;
	struct socket *sockets;
	uint32_t socket_count;
	uint32_t refused;
	uint64_t tried_ms; /* when refused ones were last tried */
	uint64_t counters[UPSTREAM_COUNTERS];
	char interface[IF_NAMESIZE];
};

const struct counter_def upstream_counter_defs[UPSTREAM_COUNTERS] = {
	[UPSTREAM_JOINED] = {"upstream_joined", "multicast memberships joined upstream"},
	[UPSTREAM_LEFT] = {"upstream_left", "multicast memberships left upstream"},
	[UPSTREAM_FAILED] = {"upstream_failed", "times that Linux refused one"},
};

struct upstream *upstream_open(const char *interface, struct group_table *groups)
{
	struct upstream *u = calloc(1, sizeof(*u));

	if (!u)
		return NULL;
	u->groups = groups;
	u->of = calloc(groups->groups.most, sizeof(*u->of));
	if (!u->of) {
		free(u);
		return NULL;
	}
	strncpy(u->interface, interface, sizeof(u->interface) - 1);
	group_table_change_all(groups);
	return u;
}

void upstream_close(struct upstream *u)
{
	struct membership *m, *next;

	if (!u)
		return;
	HASH_ITER (hh, u->all, m, next) {
		HASH_DEL(u->all, m);
		free(m);
	}
	for (uint32_t i = 0; i < u->socket_count; i++)
		close(u->sockets[i].fd);
	free(u->sockets);
	free(u->of);
	free(u);
}

/* ---- sockets ------------------------------------------------------------------------------ */

static bool is_any(const struct membership *m)
{
	static const struct in6_addr any;

	return addr_equal(&m->key.source, &any);
}

static struct sockaddr_storage storage(const struct in6_addr *addr)
{
	struct sockaddr_storage s = {.ss_family = AF_INET6};

	memcpy(&((struct sockaddr_in6 *)(void *)&s)->sin6_addr, addr, sizeof(*addr));
	return s;
}

static int tell(const struct upstream *u, int fd, const struct membership *m, bool joins)
{
	const unsigned ifindex = if_nametoindex(u->interface);
	const struct ipv6_mreq any = {
		.ipv6mr_multiaddr = m->key.group, .ipv6mr_interface = ifindex};
	const struct group_source_req one = {.gsr_interface = ifindex,
		.gsr_group = storage(&m->key.group),
		.gsr_source = storage(&m->key.source)};
	int rc;

	if (!ifindex)
		return -ENODEV;
	if (is_any(m))
		rc = setsockopt(fd, IPPROTO_IPV6, joins ? IPV6_JOIN_GROUP : IPV6_LEAVE_GROUP, &any,
			sizeof(any));
	else
		rc = setsockopt(fd, IPPROTO_IPV6,
			joins ? MCAST_JOIN_SOURCE_GROUP : MCAST_LEAVE_SOURCE_GROUP, &one,
			sizeof(one));
	return rc < 0 ? -errno : 0;
}

/* A socket with room for one more of its kind: its number + 1, or a negative errno. */
static int find_socket(struct upstream *u, bool any)
{
	struct socket *sockets;
	int fd;

	for (uint32_t i = 0; i < u->socket_count; i++)
		if (u->sockets[i].any == any && u->sockets[i].used < UPSTREAM_OF_SOCKET)
			return (int)i + 1;
	sockets = realloc(u->sockets, (u->socket_count + 1) * sizeof(*sockets));
	if (!sockets)
		return -ENOMEM;
	u->sockets = sockets;
	fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	sockets[u->socket_count++] = (struct socket){.fd = fd, .any = any};
	return (int)u->socket_count;
}

static void join(struct upstream *u, struct membership *m)
{
	static struct log_limit limit = LOG_LIMIT(1);
	int number = find_socket(u, is_any(m));
	int rc = number < 0 ? number : tell(u, u->sockets[number - 1].fd, m, true);

	if (rc == 0) {
		m->socket = (uint32_t)number;
		u->sockets[number - 1].used++;
		counter_add(&u->counters[UPSTREAM_JOINED], 1);
		return;
	}
	u->refused++;
	counter_add(&u->counters[UPSTREAM_FAILED], 1);
	LOG_LIMITED(&limit, LOG_LEVEL_WARN, "upstream", "join-failed", "port=%s group=%s error=%s",
		u->interface, ADDR_TEXT(&m->key.group), LOG_QUOTE(strerror(-rc)));
}

static void leave(struct upstream *u, struct membership *m)
{
	if (!m->socket) {
		u->refused--;
		return;
	}
	tell(u, u->sockets[m->socket - 1].fd, m, false);
	u->sockets[m->socket - 1].used--;
	counter_add(&u->counters[UPSTREAM_LEFT], 1);
}

/* ---- what is wanted ----------------------------------------------------------------------- */

/* The membership that a group of the table wants, joined if it is new; NULL: none, or no memory. */
static struct membership *wanted(struct upstream *u, uint32_t number)
{
	const struct group_entry *entry = group_at(u->groups, number);
	struct membership *m;
	struct key key;

	if (!atomic_load_explicit(&entry->id, memory_order_relaxed) ||
		!atomic_load_explicit(&entry->members, memory_order_relaxed) ||
		group_table_path(u->groups, entry))
		return NULL;
	key = (struct key){.source = entry->source, .group = entry->group};
	HASH_FIND(hh, u->all, &key, sizeof(key), m);
	if (m)
		return m;
	m = calloc(1, sizeof(*m));
	if (!m)
		return NULL;
	m->key = key;
	HASH_ADD(hh, u->all, key, sizeof(m->key), m);
	join(u, m);
	return m;
}

static void unref(struct upstream *u, struct membership *m)
{
	if (!m || --m->refs)
		return;
	leave(u, m);
	HASH_DEL(u->all, m);
	free(m);
}

/* What was wanted before, to be left once everything that is wanted now is joined: the same source
 * and group may have another number now. */
static struct membership *follow_one(struct upstream *u, uint32_t number)
{
	struct membership *before = u->of[number], *now = wanted(u, number);

	if (now)
		now->refs++;
	u->of[number] = now;
	return before;
}

static void try_again(struct upstream *u, uint64_t now_ms)
{
	if (!u->refused || now_ms - u->tried_ms < RETRY_MS)
		return;
	u->tried_ms = now_ms;
	u->refused = 0;
	for (struct membership *m = u->all; m; m = m->hh.next)
		if (!m->socket)
			join(u, m);
}

void upstream_follow(struct upstream *u, uint64_t now_ms)
{
	struct membership *before[64];
	uint32_t numbers[64];
	unsigned n;

	if (!u)
		return;
	do {
		n = group_table_changes(u->groups, numbers, 64);
		for (unsigned i = 0; i < n; i++)
			before[i] = follow_one(u, numbers[i]);
		for (unsigned i = 0; i < n; i++)
			unref(u, before[i]);
	} while (n);
	try_again(u, now_ms);
}

enum upstream_state upstream_state(const struct upstream *u, uint32_t number)
{
	if (!u || !u->of[number])
		return UPSTREAM_UNWANTED;
	return u->of[number]->socket ? UPSTREAM_MEMBER : UPSTREAM_REFUSED;
}

uint32_t upstream_count(const struct upstream *u)
{
	return HASH_COUNT(u->all) - u->refused;
}

const uint64_t *upstream_counters(const struct upstream *u)
{
	return u->counters;
}
