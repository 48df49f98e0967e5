#include "tools/mn/home.h"

#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "proto/mobility/icmp6.h"
#include "proto/mobility/nd.h"
#include "proto/mobility/status.h"
#include "tools/mn/mn.h"

enum {
	UNANSWERED_S = 4,       /* for a binding that may be left from a run before */
	EXPIRY_MARGIN_S = 1,    /* the home agent's clock starts when the update arrives */
	DUPLICATE_RETRY_S = 60, /* somebody else has the address */
	ANNOUNCEMENTS = 3,      /* MAX_NEIGHBOR_ADVERTISEMENT */
};

/* Where the node is on the home link, alone or beside others. */
static const struct link_attachment *home_link(const struct mn *mn)
{
	const struct mn_path *path = paths_home(mn);

	return path ? &path->at : &mn->at;
}

static void send_advertisement(struct mn *mn, const struct in6_addr *addr,
	const struct nd_message *solicitation, const struct mac *to)
{
	const struct link_attachment *at = home_link(mn);
	uint8_t pkt[ND_PACKET_MAX];
	struct nd_message na;

	nd_proxy_advertisement(addr, addr, &at->mac, solicitation, &na);
	ssize_t len = nd_encode(&na, pkt, sizeof(pkt));

	if (len > 0)
		wire_send_to(mn->wire, at->ifindex, to, pkt, (size_t)len);
}

/* How the link-local address stands that the home agent defends with the L flag. */
static enum link_identifier identifier(const struct mn *mn)
{
	return link_identifier(mn->link, home_link(mn)->ifindex, &mn->config.home_address);
}

/* The kernel looks for other users of link-local addresses whenever a link comes up, and on the
 * home link it has found the home agent. That has stopped defending. */
static void link_local_back(struct mn *mn)
{
	struct in6_addr link_local = addr_link_local_of(&mn->config.home_address);
	int ret = rtnl_link_local_renew(mn->rtnl, mn->at.ifindex, &link_local);

	if (ret)
		LOG_ERROR("home", "link-local-failed", "interface=%s error=%s", mn->at.name,
			LOG_QUOTE(strerror(-ret)));
	else
		LOG_INFO("home", "link-local-back", "address=%s interface=%s",
			ADDR_TEXT(&link_local), mn->at.name);
}

/* Tells the home link that the address is here again, and the link-local one if it was away too. */
static void announce(struct mn *mn)
{
	static const struct mac all_nodes = {{0x33, 0x33, 0, 0, 0, 1}};

	struct in6_addr link_local = addr_link_local_of(&mn->config.home_address);

	send_advertisement(mn, &mn->config.home_address, NULL, &all_nodes);
	if (identifier(mn) == LINK_IDENTIFIER_SAME)
		send_advertisement(mn, &link_local, NULL, &all_nodes);
	if (++mn->announcements < ANNOUNCEMENTS)
		wheel_arm(&mn->wheel, &mn->announce, clock_mono_ns() + CLOCK_NS_PER_S);
}

static void announce_again(struct wheel_timer *timer, void *context)
{
	(void)context;
	struct mn *mn = wheel_entry(timer, struct mn, announce);

	if ((mn->at.place == LINK_HOME && home_ready(mn)) || mn->hostnet.beside)
		announce(mn);
}

/* The home address may be used on the home link. defended: until now the home agent held it. */
static void arrive(struct mn *mn, bool defended)
{
	int ret = hostnet_home(&mn->hostnet, mn->at.name, mn->at.ifindex, !defended);

	wheel_cancel(&mn->wheel, &mn->unanswered);
	if (ret) {
		LOG_ERROR("home", "address-failed", "interface=%s error=%s", mn->at.name,
			LOG_QUOTE(strerror(-ret)));
		return;
	}
	mn->home_ifindex = mn->at.ifindex;
	mn->defended = defended;
	if (defended && identifier(mn) == LINK_IDENTIFIER_FAILED)
		link_local_back(mn);
	LOG_INFO("home", "arrived", "home=%s interface=%s", ADDR_TEXT(&mn->config.home_address),
		mn->at.name);
}

/* The home agent does not answer, and a binding that is known has expired: a node at home must not
 * stay without its address for that. Detection finds a defender. */
static void unanswered(struct wheel_timer *timer, void *context)
{
	(void)context;
	struct mn *mn = wheel_entry(timer, struct mn, unanswered);

	if (mn->at.place != LINK_HOME || home_ready(mn))
		return;
	LOG_WARN("home", "no-answer", "home_agent=%s", ADDR_TEXT(&mn->config.home_agent));
	arrive(mn, false);
}

void home_init(struct mn *mn)
{
	wheel_timer_init(&mn->unanswered, unanswered);
	wheel_timer_init(&mn->announce, announce_again);
}

void home_enter(struct mn *mn)
{
	const struct in6_addr none = {0};
	uint64_t now = clock_mono_ns();

	tunnel_set(mn->tunnel, 0, &none, &none);
	wire_use(mn->wire, mn->at.ifindex);
	if (mn->home_ifindex == mn->at.ifindex) {
		/* it was nowhere else, but the kernel may have dropped the address */
		hostnet_home(&mn->hostnet, mn->at.name, mn->at.ifindex, true);
		return;
	}
	if (!mn->state.bound) {
		bul_stop(&mn->bul);
		arrive(mn, false);
		return;
	}
	wire_listen_for(mn->wire, mn->at.ifindex, &mn->config.home_address);
	bul_deregister(&mn->bul, &mn->config.home_address, true);
	wheel_arm(&mn->wheel, &mn->unanswered,
		mn->bul.bound ? mn->bul.expires_ns + EXPIRY_MARGIN_S * CLOCK_NS_PER_S
			      : now + UNANSWERED_S * CLOCK_NS_PER_S);
}

void home_beside(struct mn *mn)
{
	const struct mn_path *path = paths_home(mn);
	bool ours = path && path->registered && path->status != STATUS_BA_MCOA_RETURNHOME;
	int ret;

	if (mn->hostnet.beside == (ours ? path->at.ifindex : 0))
		return;
	if (!ours) {
		wheel_cancel(&mn->wheel, &mn->announce);
		hostnet_leave_home(&mn->hostnet);
		return;
	}
	ret = hostnet_beside(&mn->hostnet, path->at.name, path->at.ifindex);
	if (ret) {
		LOG_ERROR("home", "address-failed", "interface=%s error=%s", path->at.name,
			LOG_QUOTE(strerror(-ret)));
		return;
	}
	LOG_INFO("home", "beside", "home=%s interface=%s", ADDR_TEXT(&mn->config.home_address),
		path->at.name);
	mn->announcements = 0;
	announce(mn);
}

void home_leave(struct mn *mn)
{
	/* not before the home agent has said who answers for the address (RFC 5648, 5.6.3) */
	if (paths_home(mn) && !mn->hostnet.beside)
		hostnet_leave_home(&mn->hostnet);
	mn->home_ifindex = 0;
	wheel_cancel(&mn->wheel, &mn->unanswered);
	wheel_cancel(&mn->wheel, &mn->announce);
}

void home_answered(struct mn *mn, const struct bul_answer *answer, bool was_bound)
{
	bool accepted = status_ba_accepted(answer->status);

	if (mn->bul.state != BUL_IDLE || mn->at.place != LINK_HOME)
		return;
	/* "no binding" means that nobody has defended the address, unless we know better */
	if (!home_ready(mn))
		arrive(mn, was_bound || accepted);
	if (home_ready(mn) && (was_bound || accepted)) {
		mn->announcements = 0;
		announce(mn);
	}
}

void home_solicited(struct mn *mn, const uint8_t *pkt, size_t len, const struct mac *from)
{
	struct nd_message ns;

	if (mn->at.place != LINK_HOME || home_ready(mn) || mn->hostnet.beside ||
		mn->bul.state != BUL_DEREGISTERING || nd_decode(pkt, len, &ns) != ND_FAULT_NONE ||
		ns.type != ICMP6_TYPE_NEIGHBOUR_SOLICITATION ||
		!addr_equal(&ns.target, &mn->config.home_address) || nd_is_dad(&ns))
		return;
	send_advertisement(mn, &mn->config.home_address, &ns, from);
}

void home_duplicate(struct mn *mn, unsigned ifindex, const struct in6_addr *addr)
{
	if (mn->at.place != LINK_HOME || mn->home_ifindex != ifindex)
		return;
	if (addr_is_link_local(addr)) {
		if (mn->defended)
			link_local_back(mn);
		return;
	}
	LOG_ERROR("home", "address-in-use", "home=%s interface=%s",
		ADDR_TEXT(&mn->config.home_address), mn->at.name);
	hostnet_leave_home(&mn->hostnet);
	mn->home_ifindex = 0;
	wheel_arm(
		&mn->wheel, &mn->unanswered, clock_mono_ns() + DUPLICATE_RETRY_S * CLOCK_NS_PER_S);
}

bool home_ready(const struct mn *mn)
{
	return mn->home_ifindex != 0;
}
