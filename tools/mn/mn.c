#include "tools/mn/mn.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/daemon.h"
#include "common/log.h"
#include "proto/mobility/icmp6.h"
#include "proto/mobility/mh_packet.h"
#include "proto/mobility/nd.h"
#include "proto/mobility/status.h"
#include "tools/mn/status.h"

enum {
	EXIT_WAIT_MS = 1500,
	UNANSWERED_S = 4,
	ANNOUNCEMENTS = 3, /* MAX_NEIGHBOR_ADVERTISEMENT */
	FRAME_MAX = 2048,
};

static void save_state(struct mn *mn)
{
	mn->state.bound = mn->bul.bound;
	mn->state.sequence = mn->bul.sequence;
	state_save(mn->config.state_file, &mn->state);
}

/* ---- at home ------------------------------------------------------------------------------ */

/* Tells the home link that the address is here again (RFC 6275, 11.5.5). */
static void announce(struct mn *mn)
{
	const struct link_attachment *at = link_now(mn->link);
	const struct mac all_nodes = {{0x33, 0x33, 0, 0, 0, 1}};
	uint8_t pkt[ND_PACKET_MAX];
	struct nd_message na;

	nd_proxy_advertisement(
		&mn->config.home_address, &mn->config.home_address, &at->mac, NULL, &na);
	ssize_t len = nd_encode(&na, pkt, sizeof(pkt));

	if (len > 0)
		wire_send_to(mn->wire, at->ifindex, &all_nodes, pkt, (size_t)len);
	if (++mn->announcements < ANNOUNCEMENTS)
		wheel_arm(&mn->wheel, &mn->announce, clock_mono_ns() + CLOCK_NS_PER_S);
}

static void announce_again(struct wheel_timer *timer, void *context)
{
	(void)context;
	struct mn *mn = wheel_entry(timer, struct mn, announce);

	if (mn->place == LINK_HOME && mn->home_ready)
		announce(mn);
}

/* The home address may be used on the home link. `defended`: until now the home agent held it. */
static void arrive_home(struct mn *mn, bool defended)
{
	const struct link_attachment *at = link_now(mn->link);
	int ret = hostnet_home(&mn->hostnet, at->name, at->ifindex, !defended);

	wheel_cancel(&mn->wheel, &mn->unanswered);
	if (ret) {
		LOG_ERROR("mn", "home-address-failed", "interface=%s error=%s", at->name,
			LOG_QUOTE(strerror(-ret)));
		return;
	}
	mn->home_ready = true;
	LOG_INFO("mn", "at-home", "home=%s interface=%s", ADDR_TEXT(&mn->config.home_address),
		at->name);
	if (defended) {
		mn->announcements = 0;
		announce(mn);
	}
}

/* Nothing is known of a binding and the home agent does not answer: a node at home must not stay
 * without its address for that. Detection finds a defender. */
static void home_unanswered(struct wheel_timer *timer, void *context)
{
	(void)context;
	struct mn *mn = wheel_entry(timer, struct mn, unanswered);

	if (mn->place == LINK_HOME && !mn->home_ready) {
		LOG_WARN("mn", "home-agent-silent", "home_agent=%s",
			ADDR_TEXT(&mn->config.home_agent));
		arrive_home(mn, false);
	}
}

/* Answers for the home address while the home agent still has to find us (RFC 6275, 11.5.5). */
static void solicited(struct mn *mn, const uint8_t *pkt, size_t len, const struct mac *from)
{
	const struct link_attachment *at = link_now(mn->link);
	struct nd_message ns, na;
	uint8_t reply[ND_PACKET_MAX];

	if (mn->place != LINK_HOME || mn->home_ready || mn->bul.state != BUL_DEREGISTERING ||
		nd_decode(pkt, len, &ns) != ND_FAULT_NONE ||
		ns.type != ICMP6_TYPE_NEIGHBOUR_SOLICITATION ||
		!addr_equal(&ns.target, &mn->config.home_address) || nd_is_dad(&ns))
		return;
	nd_proxy_advertisement(
		&mn->config.home_address, &mn->config.home_address, &at->mac, &ns, &na);
	ssize_t n = nd_encode(&na, reply, sizeof(reply));

	if (n > 0)
		wire_send_to(mn->wire, at->ifindex, from, reply, (size_t)n);
}

/* ---- moving ------------------------------------------------------------------------------- */

static void move_begin(struct mn *mn, const struct link_attachment *at)
{
	struct mn_move *move = &mn->history[mn->moves % MN_HISTORY];

	*move = (struct mn_move){.from = mn->last_place,
		.to = at->place,
		.care_of = at->care_of,
		.at_real_ns = clock_real_ns(),
		.attached_ns = clock_mono_ns(),
		.status = UINT8_MAX};
	mn->last_place = at->place;
	mn->moves++;
}

static void go_foreign(struct mn *mn, const struct link_attachment *at)
{
	mn->home_ready = false;
	wheel_cancel(&mn->wheel, &mn->unanswered);
	int ret = wire_use(mn->wire, at->ifindex);

	if (!ret)
		ret = tunnel_set(mn->tunnel, at->ifindex, &at->care_of, &mn->config.home_agent);
	bool same = mn->bul.state == BUL_BOUND && addr_equal(&mn->bul.bound_care_of, &at->care_of);

	/* the home agent works while the host is being arranged */
	if (!ret && !same)
		bul_register(&mn->bul, &at->care_of);
	if (!ret)
		ret = hostnet_away(&mn->hostnet, at->mtu - TUNNEL_OVERHEAD > TUNNEL_MTU_MIN
							 ? at->mtu - TUNNEL_OVERHEAD
							 : TUNNEL_MTU_MIN);
	if (ret)
		LOG_ERROR("mn", "move-failed", "interface=%s error=%s", at->name,
			LOG_QUOTE(strerror(-ret)));
}

static void go_home(struct mn *mn, const struct link_attachment *at)
{
	const struct in6_addr none = {0};

	tunnel_set(mn->tunnel, 0, &none, &none);
	wire_use(mn->wire, at->ifindex);
	if (mn->home_ready)
		return;
	if (mn->state.known && !mn->bul.bound && !mn->state.bound) {
		bul_stop(&mn->bul);
		arrive_home(mn, false);
		return;
	}
	wire_listen_for(mn->wire, at->ifindex, &mn->config.home_address);
	bul_deregister(&mn->bul, &mn->config.home_address, true);
	if (!mn->state.known)
		wheel_arm(&mn->wheel, &mn->unanswered,
			clock_mono_ns() + UNANSWERED_S * CLOCK_NS_PER_S);
}

static void attached(const struct link_attachment *at, void *context)
{
	struct mn *mn = context;
	const struct in6_addr none = {0};

	if (at->place != LINK_NOWHERE)
		move_begin(mn, at);
	mn->place = at->place;
	switch (at->place) {
	case LINK_FOREIGN:
		go_foreign(mn, at);
		break;
	case LINK_HOME:
		go_home(mn, at);
		break;
	case LINK_NOWHERE:
		tunnel_set(mn->tunnel, 0, &none, &none);
		if (mn->bul.state != BUL_IDLE && mn->bul.state != BUL_BOUND)
			bul_stop(&mn->bul);
		break;
	}
}

/* ---- signalling --------------------------------------------------------------------------- */

static int send_update(const struct bul_update *update, void *context)
{
	struct mn *mn = context;
	uint8_t pkt[MH_PACKET_MAX];
	bool link_local = link_now(mn->link)->link_local_matches;
	ssize_t len = signal_binding_update(&mn->config, mn->hmac, update, mn->bul.use_timestamps,
		link_local && !update->at_home, pkt, sizeof(pkt));

	if (len < 0)
		return (int)len;
	LOG_DEBUG("mn", "update", "sequence=%u lifetime=%u care_of=%s", update->sequence,
		update->lifetime_s, ADDR_TEXT(&update->care_of));
	mn->updates_sent++;
	return wire_send(mn->wire, pkt, (size_t)len);
}

static void bul_changed(const struct bul_entry *e, void *context)
{
	struct mn *mn = context;

	if (e->state == BUL_REFUSED)
		LOG_WARN("mn", "refused", "status=%u meaning=%s", e->status,
			LOG_QUOTE(status_ba_name(e->status)));
	else if (e->state == BUL_BOUND)
		LOG_INFO("mn", "bound", "care_of=%s lifetime=%u rtt_us=%llu",
			ADDR_TEXT(&e->bound_care_of), e->granted_s,
			(unsigned long long)(e->rtt_ns / CLOCK_NS_PER_US));
	if (e->state != BUL_REGISTERING && e->state != BUL_DEREGISTERING)
		save_state(mn);
}

static void answered(struct mn *mn, const struct bul_answer *answer)
{
	bool deregistering = mn->bul.state == BUL_DEREGISTERING;
	bool was_bound = mn->bul.bound;

	if (bul_answered(&mn->bul, answer)) {
		mn->signals[SIGNAL_UNEXPECTED]++;
		return;
	}
	mn->signals[SIGNAL_ACK]++;
	struct mn_move *move = mn->moves ? &mn->history[(mn->moves - 1) % MN_HISTORY] : NULL;

	if (move && !move->answered_ns) {
		move->status = answer->status;
		if (mn->bul.state == BUL_BOUND || mn->bul.state == BUL_IDLE)
			move->answered_ns = clock_mono_ns();
	}
	mn->state.known = true;
	/* "no binding" means that nobody has defended the address, unless we know better */
	if (deregistering && mn->bul.state == BUL_IDLE && mn->place == LINK_HOME && !mn->home_ready)
		arrive_home(mn, was_bound || answer->status < STATUS_BA_REJECTED);
}

static void binding_error(struct mn *mn, uint8_t status)
{
	static struct log_limit limit = LOG_LIMIT(1);

	LOG_LIMITED(&limit, LOG_LEVEL_WARN, "mn", "binding-error", "status=%u", status);
	/* the home agent lost the binding; unauthenticated, so no more than a refresh */
	if (status == STATUS_BE_UNKNOWN_BINDING && mn->bul.state == BUL_BOUND)
		bul_refresh(&mn->bul);
}

static void wire_input(struct mn *mn)
{
	uint8_t pkt[FRAME_MAX];
	unsigned ifindex;
	struct mac from;
	ssize_t len;

	while ((len = wire_receive(mn->wire, pkt, sizeof(pkt), &ifindex, &from)) >= 0) {
		struct bul_answer answer;

		if (!link_has(mn->link, ifindex))
			continue;
		enum signal_kind kind =
			signal_input(&mn->config, mn->hmac, &mn->bul, pkt, (size_t)len, &answer);

		if (kind == SIGNAL_NOT_OURS) {
			solicited(mn, pkt, (size_t)len, &from);
			continue;
		}
		if (kind == SIGNAL_ACK) {
			answered(mn, &answer);
			continue;
		}
		mn->signals[kind]++;
		if (kind == SIGNAL_REFRESH_REQUEST && mn->bul.state == BUL_BOUND)
			bul_refresh(&mn->bul);
		else if (kind == SIGNAL_ERROR)
			binding_error(mn, answer.status);
	}
}

/* ---- life --------------------------------------------------------------------------------- */

static const struct bul_ops ops = {.send = send_update, .changed = bul_changed};

static int open_parts(struct mn *mn)
{
	const struct mn_config *c = &mn->config;
	int ret = state_load(c->state_file, &mn->state);

	if (ret)
		return ret;
	mn->hmac = hmac_new();
	if (!mn->hmac)
		return -errno;
	if (!mn->state.known)
		hmac_random(&mn->state.sequence, sizeof(mn->state.sequence));
	wheel_init(&mn->wheel, clock_mono_ns(), NULL);
	wheel_timer_init(&mn->unanswered, home_unanswered);
	wheel_timer_init(&mn->announce, announce_again);
	bul_init(&mn->bul, &ops, mn, &mn->wheel, c->lifetime_ms / 1000,
		c->replay == MN_REPLAY_TIMESTAMP, mn->state.sequence);
	if ((mn->status_fd = status_listen(c->status_socket)) < 0)
		return mn->status_fd;
	if ((ret = rtnl_open(&mn->rtnl)) || (ret = wire_open(&mn->wire)) ||
		(ret = tunnel_open(&mn->tunnel, c->tunnel, &c->home_address)))
		return ret;
	return hostnet_open(&mn->hostnet, c, mn->rtnl, &mn->state, tunnel_ifindex(mn->tunnel));
}

int mn_open(struct mn *mn)
{
	mn->signal_fd = daemon_signals();
	mn->status_fd = -1;
	int ret = mn->signal_fd < 0 ? mn->signal_fd : open_parts(mn);

	if (!ret)
		ret = link_open(&mn->link, &mn->config, mn->rtnl, &mn->wheel, attached, mn);
	if (!ret)
		ret = link_start(mn->link);
	if (ret)
		LOG_ERROR("mn", "not-started", "error=%s", LOG_QUOTE(strerror(-ret)));
	return ret;
}

static int poll_timeout(const struct mn *mn)
{
	uint64_t next = wheel_next_ns(&mn->wheel), now = clock_mono_ns();

	if (next == UINT64_MAX)
		return -1;
	return next <= now ? 0 : (int)((next - now) / CLOCK_NS_PER_MS) + 1;
}

/* One turn of the loop. Returns false when a signal asks to end. */
static bool turn(struct mn *mn)
{
	struct pollfd fds[] = {
		{.fd = mn->signal_fd, .events = POLLIN},
		{.fd = wire_fd(mn->wire), .events = POLLIN},
		{.fd = link_router_fd(mn->link), .events = POLLIN},
		{.fd = link_netlink_fd(mn->link), .events = POLLIN},
		{.fd = tunnel_link_fd(mn->tunnel), .events = POLLIN},
		{.fd = tunnel_tun_fd(mn->tunnel), .events = POLLIN},
		{.fd = mn->status_fd, .events = POLLIN},
	};

	if (poll(fds, sizeof(fds) / sizeof(*fds), poll_timeout(mn)) < 0 && errno != EINTR)
		return false;
	if (fds[1].revents)
		wire_input(mn);
	if (fds[2].revents)
		link_router_input(mn->link);
	if (fds[3].revents)
		link_netlink_input(mn->link);
	if (fds[4].revents)
		tunnel_link_input(mn->tunnel);
	if (fds[5].revents)
		tunnel_tun_input(mn->tunnel);
	if (fds[6].revents)
		status_serve(mn->status_fd, mn_report(mn));
	wheel_advance(&mn->wheel, clock_mono_ns(), 0);
	return !fds[0].revents || daemon_signal_next(mn->signal_fd) < 0;
}

/* Gives the binding back; waits for the answer for a moment. */
static void deregister(struct mn *mn)
{
	uint64_t end = clock_mono_ns() + EXIT_WAIT_MS * CLOCK_NS_PER_MS;

	if (!mn->config.deregister_on_exit || mn->place != LINK_FOREIGN || !mn->bul.bound)
		return;
	struct in6_addr care_of = mn->bul.request.care_of;

	wheel_arm(&mn->wheel, &mn->unanswered, end); /* so that poll() returns in time */
	bul_deregister(&mn->bul, &care_of, false);
	while (mn->bul.state == BUL_DEREGISTERING && clock_mono_ns() < end)
		if (!turn(mn))
			break;
}

int mn_run(struct mn *mn)
{
	daemon_notify("READY=1");
	while (turn(mn))
		;
	daemon_notify("STOPPING=1");
	deregister(mn);
	save_state(mn);
	return 0;
}

void mn_close(struct mn *mn)
{
	bool prepared = mn->hostnet.rtnl != NULL;

	link_close(mn->link);
	if (prepared)
		hostnet_close(&mn->hostnet);
	tunnel_close(mn->tunnel);
	wire_close(mn->wire);
	rtnl_close(mn->rtnl);
	hmac_free(mn->hmac);
	if (mn->status_fd >= 0) {
		close(mn->status_fd);
		unlink(mn->config.status_socket);
	}
	if (mn->signal_fd >= 0)
		close(mn->signal_fd);
}
