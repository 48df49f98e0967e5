#include "tools/mn/mn.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/daemon.h"
#include "common/log.h"
#include "proto/mobility/codes.h"
#include "proto/mobility/mh_packet.h"
#include "proto/mobility/status.h"
#include "tools/mn/errors.h"
#include "tools/mn/home.h"
#include "tools/mn/status.h"
#include "tools/mn/uplink.h"

enum {
	EXIT_WAIT_MS = 1500,
	FRAME_MAX = 2048,
};

static void save_state(struct mn *mn)
{
	mn->state.sequence = mn->bul.sequence;
	state_save(mn->config.state_file, &mn->state);
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

static uint32_t tunnel_mtu(uint32_t path_mtu)
{
	uint32_t least = TUNNEL_MTU_MIN + TUNNEL_OVERHEAD;

	return path_mtu > least ? path_mtu - TUNNEL_OVERHEAD : TUNNEL_MTU_MIN;
}

/* The MTU of the tunnel's interface, whose packets go by the home link as they are if it is used
 * beside. */
static uint32_t away_mtu(const struct mn *mn, uint32_t path_mtu)
{
	const struct mn_path *home = paths_home(mn);
	uint32_t mtu = tunnel_mtu(path_mtu);

	return home && home->at.mtu < mtu ? home->at.mtu : mtu;
}

/* Programs of this host are told by the MTU of the tunnel's interface. */
static void tunnel_error(struct mn *mn)
{
	uint32_t mtu = tunnel_error_input(mn->tunnel);

	if (!mtu || mtu >= mn->at.mtu)
		return;
	LOG_INFO("mn", "path-mtu", "mtu=%u", mtu);
	hostnet_away(&mn->hostnet, away_mtu(mn, mtu));
}

static void go_foreign(struct mn *mn)
{
	const struct link_attachment *at = &mn->at;

	home_leave(mn);
	int ret = wire_use(mn->wire, at->ifindex);

	if (!ret)
		ret = tunnel_set(mn->tunnel, at->ifindex, &at->care_of, &mn->tunnel_address);
	/* the home agent works while the host is being arranged */
	if (!ret)
		paths_register(mn);
	if (!ret)
		ret = hostnet_away(&mn->hostnet, away_mtu(mn, at->mtu));
	if (ret)
		LOG_ERROR("mn", "move-failed", "interface=%s error=%s", at->name,
			LOG_QUOTE(strerror(-ret)));
}

/* Nothing can be sent; what is bound stays bound, and is registered anew where the node comes up
 * again. */
static void go_nowhere(struct mn *mn)
{
	const struct in6_addr none = {0};

	tunnel_set(mn->tunnel, 0, &none, &none);
	if (mn->bul.state != BUL_IDLE)
		bul_stop(&mn->bul);
}

static void attached(const struct link_attachment *at, void *context)
{
	struct mn *mn = context;
	bool moved = at->place != mn->at.place || at->ifindex != mn->at.ifindex ||
		     !addr_equal(&at->care_of, &mn->at.care_of);
	bool others = paths_update(mn);

	mn->at = *at;
	multicast_moved(mn);
	if (at->place != LINK_HOME)
		home_beside(mn);
	if (!moved) {
		if (at->place == LINK_FOREIGN)
			hostnet_away(&mn->hostnet, away_mtu(mn, at->mtu));
		if (others)
			paths_register(mn);
		return;
	}
	if (at->place != LINK_NOWHERE)
		move_begin(mn, at);
	switch (at->place) {
	case LINK_FOREIGN:
		go_foreign(mn);
		break;
	case LINK_HOME:
		home_enter(mn);
		break;
	case LINK_NOWHERE:
		go_nowhere(mn);
		break;
	}
}

static void appeared(const char *interface, void *context)
{
	struct mn *mn = context;

	hostnet_interface(&mn->hostnet, interface);
}

static void duplicate(unsigned ifindex, const struct in6_addr *addr, void *context)
{
	home_duplicate(context, ifindex, addr);
}

/* ---- signalling --------------------------------------------------------------------------- */

/* By the interface of a care-of address that is not the preferred one. */
static int send_from(struct mn *mn, const struct in6_addr *care_of, const uint8_t *pkt, size_t len)
{
	unsigned ifindex = paths_interface(mn, care_of);
	int ret = 0;

	if (!ifindex || ifindex == mn->at.ifindex)
		return wire_send(mn->wire, pkt, len);
	ret = wire_use(mn->wire, ifindex);
	if (!ret)
		ret = wire_send(mn->wire, pkt, len);
	wire_use(mn->wire, mn->at.ifindex);
	return ret;
}

static int send_update(const struct bul_update *update, void *context)
{
	struct mn *mn = context;
	struct bul_update complete = *update;
	uint8_t pkt[MH_PACKET_MAX];

	/* RFC 6275, 11.7.1 */
	complete.link_local = !update->at_home &&
			      link_identifier(mn->link, mn->at.ifindex, &mn->config.home_address) ==
				      LINK_IDENTIFIER_SAME;
	complete.multicast = multicast_tell(mn, update->lifetime_s > 0);
	ssize_t len = signal_binding_update(
		&mn->config, mn->hmac, &complete, mn->bul.use_timestamps, pkt, sizeof(pkt));

	if (len < 0)
		return (int)len;
	LOG_DEBUG("mn", "update", "sequence=%u lifetime=%u care_of=%s", update->sequence,
		update->lifetime_s, ADDR_TEXT(&update->care_of));
	mn->updates_sent++;
	return send_from(mn, &update->care_of, pkt, (size_t)len);
}

static void bul_changed(const struct bul_entry *e, void *context)
{
	struct mn *mn = context;

	if (e->state == BUL_BOUND)
		LOG_INFO("mn", "bound", "care_of=%s lifetime=%u rtt_us=%llu",
			ADDR_TEXT(&e->bound_care_of), e->granted_s,
			(unsigned long long)(e->rtt_ns / CLOCK_NS_PER_US));
	if (e->state == BUL_REGISTERING)
		tunnel_expect(mn->tunnel, true);
	/* before the update leaves, so that a start after a crash knows; the file is not written on
	 * every move */
	if (e->state == BUL_REGISTERING && !mn->state.bound) {
		mn->state.bound = true;
		save_state(mn);
	} else if (e->state != BUL_REGISTERING && e->state != BUL_DEREGISTERING) {
		save_state(mn);
	}
}

void mn_tunnel_end(struct mn *mn, const struct in6_addr *end)
{
	if (addr_equal(end, &mn->tunnel_address))
		return;
	mn->tunnel_address = *end;
	tunnel_retarget(mn->tunnel, end);
	LOG_INFO("mn", "tunnel-address", "address=%s", ADDR_TEXT(end));
}

/* The data plane that serves us, or, untold, the home agent itself. */
static void tunnel_told(struct mn *mn, const struct bul_answer *answer)
{
	if (answer->bid_count)
		paths_told(mn, answer);
	else
		mn_tunnel_end(mn, answer->has_tunnel ? &answer->tunnel : &mn->config.home_agent);
}

static bool has_tunnel(const struct bul_answer *answer)
{
	for (unsigned i = 0; i < answer->bid_count; i++)
		if (answer->bids[i].has_tunnel)
			return true;
	return answer->has_tunnel;
}

/* An acknowledgement of the last update that comes again tells where the tunnel has to end now. An
 * older one of them tells nothing. */
static bool told_anew(struct mn *mn, const struct bul_answer *answer)
{
	if (mn->bul.state != BUL_BOUND || answer->sequence != mn->bul.sequence ||
		(answer->status != STATUS_BA_ACCEPTED &&
			answer->status != STATUS_BA_MCOA_RETURNHOME) ||
		!has_tunnel(answer) || !answer->has_timestamp || answer->timestamp <= mn->told)
		return false;
	mn->told = answer->timestamp;
	tunnel_told(mn, answer);
	return true;
}

static void answered(struct mn *mn, const struct bul_answer *answer)
{
	bool deregistering = mn->bul.state == BUL_DEREGISTERING;
	bool was_bound = mn->bul.bound, bids = mn->bul.request.bid_count;

	if (bul_answered(&mn->bul, answer)) {
		mn->signals[told_anew(mn, answer) ? SIGNAL_ACK : SIGNAL_UNEXPECTED]++;
		return;
	}
	if (status_ba_accepted(answer->status) && mn->bul.state == BUL_BOUND)
		tunnel_told(mn, answer);
	if (status_ba_accepted(answer->status))
		multicast_answered(mn, answer);
	tunnel_expect(mn->tunnel, mn->bul.state == BUL_REGISTERING);
	mn->signals[SIGNAL_ACK]++;
	struct mn_move *move = mn->moves ? &mn->history[(mn->moves - 1) % MN_HISTORY] : NULL;

	if (move && !move->answered_ns) {
		move->status = answer->status;
		if (mn->bul.state == BUL_BOUND || mn->bul.state == BUL_IDLE)
			move->answered_ns = clock_mono_ns();
	}
	if (mn->bul.state == BUL_REFUSED)
		LOG_WARN("mn", "refused", "status=%u meaning=%s", answer->status,
			LOG_QUOTE(status_ba_name(answer->status)));
	if (answer->status == STATUS_BA_NOT_HOME_AGENT ||
		(deregistering && status_ba_accepted(answer->status))) {
		mn->state.bound = false;
		save_state(mn);
	}
	if (deregistering)
		home_answered(mn, answer, was_bound);
	else if (bids)
		paths_answered(mn, answer);
}

/* RFC 5846, 10: without a binding it is discarded. */
static void revoked(struct mn *mn, const struct bul_answer *revocation)
{
	uint8_t pkt[MH_PACKET_MAX];
	ssize_t len;

	if (!mn->bul.bound)
		return;
	len = signal_revocation_answer(
		&mn->config, mn->hmac, &mn->bul.bound_care_of, revocation, pkt, sizeof(pkt));
	if (len > 0)
		send_from(mn, &mn->bul.bound_care_of, pkt, (size_t)len);
	if (revocation->status != CODES_BRA_SUCCESS)
		return;
	LOG_WARN("mn", "revoked", "bids=%u", revocation->bid_count);
	if (!paths_revoked(mn, revocation))
		bul_revoked(&mn->bul);
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
			home_solicited(mn, pkt, (size_t)len, &from);
			continue;
		}
		if (kind == SIGNAL_ACK) {
			answered(mn, &answer);
			continue;
		}
		mn->signals[kind]++;
		if (kind == SIGNAL_REFRESH_REQUEST && mn->bul.state == BUL_BOUND)
			bul_refresh(&mn->bul);
		else if (kind == SIGNAL_REVOCATION)
			revoked(mn, &answer);
		else if (kind == SIGNAL_ERROR)
			errors_binding(mn, answer.status);
		else if (kind == SIGNAL_UNKNOWN_TYPE)
			errors_unknown_type(mn);
		else if (kind == SIGNAL_BAD_FIELD)
			errors_bad_field(mn, pkt, (size_t)len, answer.pointer);
		else if (kind == SIGNAL_PROBLEM)
			errors_parameter_problem(mn, &answer);
	}
}

/* ---- life --------------------------------------------------------------------------------- */

static uint64_t mono_ns(void *context)
{
	(void)context;
	return clock_mono_ns();
}

static uint64_t ntp(void *context)
{
	(void)context;
	return clock_ntp_now();
}

static const struct bul_ops bul_ops = {
	.send = send_update, .changed = bul_changed, .mono_ns = mono_ns, .ntp = ntp};
static const struct link_ops link_ops = {
	.attached = attached, .appeared = appeared, .duplicate = duplicate};

/* Says what could not be opened and, where that is known, what helps. */
static int opened(const char *what, const char *name, int ret)
{
	const char *hint = NULL;

	if (ret >= 0)
		return ret;
	if (ret == -EPERM || ret == -EACCES)
		hint = "run it as root, or with CAP_NET_ADMIN and CAP_NET_RAW";
	else if (ret == -EADDRINUSE || ret == -EBUSY)
		hint = "another dmm-mn runs with this configuration";
	LOG_ERROR("mn", "not-started", "what=%s name=%s error=%s hint=%s", LOG_QUOTE(what),
		LOG_QUOTE(name), LOG_QUOTE(strerror(-ret)), LOG_QUOTE(hint));
	return ret;
}

/* Makes the folder that a file is to be in, as /run is empty after a boot. */
static int make_folder_of(const char *file)
{
	char folder[PATH_MAX];
	const char *slash = strrchr(file, '/');

	if (!slash || slash == file)
		return 0;
	snprintf(folder, sizeof(folder), "%.*s", (int)(slash - file), file);
	return mkdir(folder, 0755) && errno != EEXIST ? -errno : 0;
}

static void prepare(struct mn *mn)
{
	const struct mn_config *c = &mn->config;

	if (!mn->state.known) {
		hmac_random(&mn->state.sequence, sizeof(mn->state.sequence));
		mn->state.bound = true;
	}
	mn->tunnel_address = c->home_agent;
	mn->paths.mode = c->multihoming;
	wheel_init(&mn->wheel, clock_mono_ns(), NULL);
	home_init(mn);
	bul_init(&mn->bul, &bul_ops, mn, &mn->wheel, c->lifetime_ms / 1000,
		c->replay == MN_REPLAY_TIMESTAMP, mn->state.sequence);
}

static int open_parts(struct mn *mn)
{
	const struct mn_config *c = &mn->config;
	int ret;

	if ((ret = opened("folder of status_socket", c->status_socket,
		     make_folder_of(c->status_socket))) ||
		(ret = opened(
			 "folder of state_file", c->state_file, make_folder_of(c->state_file))) ||
		(ret = opened("status_socket", c->status_socket,
			 mn->status_fd = status_listen(c->status_socket))) < 0 ||
		(ret = opened("state_file", c->state_file, state_load(c->state_file, &mn->state))))
		return ret;
	prepare(mn);
	if ((ret = opened("hmac", "", (mn->hmac = hmac_new()) ? 0 : -ENOMEM)) ||
		(ret = opened("netlink", "", rtnl_open(&mn->rtnl))) ||
		(ret = opened("sockets", "signalling", wire_open(&mn->wire))) ||
		(ret = opened("tunnel", c->tunnel,
			 tunnel_open(&mn->tunnel, c->tunnel, &c->home_address))) ||
		(ret = opened("host", "",
			 hostnet_open(&mn->hostnet, c, mn->rtnl, &mn->state,
				 tunnel_ifindex(mn->tunnel)))) ||
		(ret = opened("links", "",
			 link_open(&mn->link, c, mn->rtnl, &mn->wheel, &link_ops, mn))))
		return ret;
	multicast_open(mn);
	tunnel_choose(mn->tunnel, uplink_choose, mn);
	return opened("links", "", link_start(mn->link));
}

int mn_open(struct mn *mn)
{
	mn->status_fd = -1;
	mn->signal_fd = daemon_signals();
	int ret = opened("signals", "", mn->signal_fd);

	return ret < 0 ? ret : open_parts(mn);
}

static int poll_timeout(const struct mn *mn)
{
	uint64_t next = wheel_next_ns(&mn->wheel), now = clock_mono_ns();

	if (next == UINT64_MAX)
		return -1;
	return next <= now ? 0 : (int)((next - now) / CLOCK_NS_PER_MS) + 1;
}

/* Whether a signal asks to end. */
static bool asked_to_end(struct mn *mn)
{
	int number = daemon_signal_next(mn->signal_fd);

	if (number == SIGHUP)
		LOG_WARN("mn", "hangup-ignored", "hint=%s",
			LOG_QUOTE("restart to read the configuration"));
	return number == SIGINT || number == SIGTERM;
}

/* One turn of the loop: 1, 0 when a signal asks to end, or a negative errno. */
static int turn(struct mn *mn)
{
	struct pollfd fds[] = {
		{.fd = mn->signal_fd, .events = POLLIN},
		{.fd = wire_fd(mn->wire), .events = POLLIN},
		{.fd = link_router_fd(mn->link), .events = POLLIN},
		{.fd = link_netlink_fd(mn->link), .events = POLLIN},
		{.fd = tunnel_link_fd(mn->tunnel), .events = POLLIN},
		{.fd = tunnel_tun_fd(mn->tunnel), .events = POLLIN},
		{.fd = mn->status_fd, .events = POLLIN},
		{.fd = tunnel_error_fd(mn->tunnel), .events = POLLIN},
	};

	if (poll(fds, sizeof(fds) / sizeof(*fds), poll_timeout(mn)) < 0 && errno != EINTR)
		return -errno;
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
	if (fds[7].revents)
		tunnel_error(mn);
	wheel_advance(&mn->wheel, clock_mono_ns(), 0);
	if (fds[5].revents & POLLERR) {
		LOG_ERROR("mn", "tunnel-gone", "interface=%s", mn->config.tunnel);
		return -ENODEV;
	}
	return fds[0].revents && asked_to_end(mn) ? 0 : 1;
}

/* Gives the binding back; waits for the answer for a moment. */
static void deregister(struct mn *mn)
{
	uint64_t end = clock_mono_ns() + EXIT_WAIT_MS * CLOCK_NS_PER_MS;

	if (!mn->config.deregister_on_exit || mn->at.place != LINK_FOREIGN || !mn->state.bound)
		return;
	wheel_arm(&mn->wheel, &mn->unanswered, end); /* so that poll() returns in time */
	bul_deregister(&mn->bul, &mn->at.care_of, false);
	while (mn->bul.state == BUL_DEREGISTERING && clock_mono_ns() < end)
		if (turn(mn) <= 0)
			break;
}

int mn_run(struct mn *mn)
{
	int ret;

	daemon_notify("READY=1");
	while ((ret = turn(mn)) > 0)
		;
	daemon_notify("STOPPING=1");
	if (ret == 0)
		deregister(mn);
	save_state(mn);
	return ret;
}

void mn_close(struct mn *mn)
{
	bool prepared = mn->hostnet.rtnl != NULL;

	link_close(mn->link);
	if (prepared)
		hostnet_close(&mn->hostnet);
	multicast_close(mn);
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
