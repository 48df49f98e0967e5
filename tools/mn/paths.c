#include "tools/mn/paths.h"

#include "common/log.h"
#include "proto/mobility/status.h"
#include "tools/mn/home.h"
#include "tools/mn/mn.h"

enum { STATUS_NONE = 255 };

static struct mn_path *path_of(struct mn_paths *paths, uint16_t bid)
{
	for (unsigned i = 0; i < paths->count; i++)
		if (paths->all[i].bid == bid)
			return &paths->all[i];
	return NULL;
}

bool paths_update(struct mn *mn)
{
	struct mn_paths before = mn->paths;
	const struct link_attachment *all;
	bool changed;

	mn->paths.count = (uint8_t)link_all(mn->link, &all);
	changed = mn->paths.count != before.count;
	for (unsigned i = 0; i < mn->paths.count; i++) {
		struct mn_path *path = &mn->paths.all[i];
		struct link_attachment at = all[i];
		const struct mn_path *old = path_of(&before, (uint16_t)(at.index + 1));

		if (at.place == LINK_HOME)
			at.care_of = mn->config.home_address;
		*path = (struct mn_path){.bid = (uint16_t)(at.index + 1), .status = STATUS_NONE};
		if (old && addr_equal(&old->at.care_of, &at.care_of) &&
			old->at.ifindex == at.ifindex)
			*path = *old;
		else
			changed = true;
		path->at = at;
	}
	return changed && mn->paths.mode != MN_MULTIHOMING_OFF;
}

static void add_bid(struct bul_update *update, const struct mn_path *path)
{
	update->bids[update->bid_count++] = (struct bul_bid){.bid = path->bid,
		.priority = (uint8_t)path->bid,
		.care_of = path->at.care_of,
		.home = path->at.place == LINK_HOME,
		.mac = path->at.mac};
}

/* The BID that a flow is to come by: of the first of its interfaces that is among the first `known`
 * paths; 0: none is. */
static uint16_t bid_of_flow(const struct mn *mn, const struct mn_flow *flow, unsigned known)
{
	for (size_t n = 0; n < flow->interfaces.count; n++) {
		int at = mn_config_interface(
			&mn->config, *config_item(&flow->interfaces, char *, n));

		for (unsigned i = 0; i < known; i++)
			if (mn->paths.all[i].at.index == at)
				return mn->paths.all[i].bid;
	}
	return 0;
}

/* All flows, as each update ends those that it does not name (RFC 6089, 5.3.4). */
static void add_flows(struct mn *mn, unsigned known, struct bul_update *update)
{
	for (size_t n = 0; n < mn->config.flows.count; n++) {
		const struct mn_flow *flow = config_item(&mn->config.flows, struct mn_flow, n);
		struct mn_path_flow *last = &mn->paths.flows[n];
		uint16_t bid = bid_of_flow(mn, flow, known);

		if (update->overwrite || !bid || bid != last->held)
			*last = (struct mn_path_flow){.bid = bid, .status = STATUS_NONE};
		if (bid)
			update->flows[update->flow_count++] = (struct bul_flow){.fid = flow->id,
				.priority = (uint16_t)(n + 1),
				.bid = bid,
				.held = last->held != 0,
				.protocol = flow->protocol,
				.remote = flow->remote_port,
				.local = flow->local_port};
	}
}

/* What is to be asked for now; the first of a series, or all at once, overwrites. */
static struct bul_update request(struct mn *mn, unsigned turn, bool overwrite)
{
	const struct mn_paths *paths = &mn->paths;
	bool bulk = paths->mode == MN_MULTIHOMING_BULK;
	struct bul_update update = {.care_of = bulk ? mn->at.care_of : paths->all[turn].at.care_of,
		.overwrite = overwrite};

	for (unsigned i = 0; i < paths->count; i++)
		if (bulk || i == turn)
			add_bid(&update, &paths->all[i]);
	/* in a series, the care-of addresses that were registered before are known too */
	add_flows(mn, bulk || (turn == 0 && !overwrite) ? paths->count : turn + 1, &update);
	return update;
}

void paths_register(struct mn *mn)
{
	struct bul_update update;

	if (!mn->paths.count)
		return;
	mn->paths.turn = 0;
	if (mn->paths.mode == MN_MULTIHOMING_OFF) {
		bul_register(&mn->bul, &mn->paths.all[0].at.care_of);
		return;
	}
	update = request(mn, 0, true);
	bul_register_bids(&mn->bul, &update);
}

/* The home agent does less than it was asked for. */
static void fall_back(struct mn *mn, enum mn_multihoming mode, const char *why)
{
	LOG_WARN("mn", "multihoming", "mode=%s why=%s",
		mode == MN_MULTIHOMING_OFF ? "off" : "single", LOG_QUOTE(why));
	mn->paths.mode = mode;
	if (!paths_home(mn)) {
		paths_register(mn);
		return;
	}
	link_forgo_home(mn->link);
	/* with BIDs, the change of what there is has led to a registration already */
	if (mode == MN_MULTIHOMING_OFF && mn->at.place == LINK_FOREIGN)
		paths_register(mn);
}

/* The home agent has taken others, but not the home link (RFC 5648, 6.3). */
static bool home_refused(const struct mn *mn)
{
	const struct mn_path *home = paths_home(mn);

	return home && home->status != STATUS_NONE && !status_ba_accepted(home->status);
}

/* RFC 5648, 5.7: what a refusal of the whole, or of an only BID, asks for. Returns whether
 * something else is being tried. */
static bool try_otherwise(struct mn *mn, const struct bul_answer *answer)
{
	if (!answer->bid_count) {
		fall_back(mn, MN_MULTIHOMING_OFF, "the home agent does not know BIDs");
		return true;
	}
	switch (answer->status) {
	case STATUS_BA_MCOA_PROHIBITED:
		fall_back(mn, MN_MULTIHOMING_OFF, status_ba_name(answer->status));
		return true;
	case STATUS_BA_MCOA_BULK_PROHIBITED:
		if (mn->paths.mode != MN_MULTIHOMING_BULK)
			return false;
		fall_back(mn, MN_MULTIHOMING_SINGLE, status_ba_name(answer->status));
		return true;
	case STATUS_BA_MCOA_NON_MCOA:
	case STATUS_BA_MCOA_UNKNOWN_COA:
		/* the first of a series says all that there is to say */
		if (mn->bul.request.overwrite)
			return false;
		paths_register(mn);
		return true;
	default:
		return false;
	}
}

static void take_bid(
	struct mn *mn, const struct bul_answer *answer, const struct bul_bid_answer *bid)
{
	struct mn_path *path = path_of(&mn->paths, bid->bid);

	if (!path)
		return;
	path->status = bid->status ? bid->status : answer->status;
	path->registered = status_ba_accepted(path->status) && answer->lifetime_s;
	path->revoked &= !path->registered;
	path->has_tunnel = bid->has_tunnel || answer->has_tunnel;
	path->tunnel = bid->has_tunnel ? bid->tunnel : answer->tunnel;
	if (!status_ba_accepted(path->status))
		LOG_WARN("mn", "refused", "bid=%u interface=%s status=%u meaning=%s", path->bid,
			path->at.name, path->status, LOG_QUOTE(status_ba_name(path->status)));
}

static struct mn_path_flow *flow_of(struct mn *mn, uint16_t fid)
{
	for (size_t n = 0; n < mn->config.flows.count; n++)
		if (config_item(&mn->config.flows, struct mn_flow, n)->id == fid)
			return &mn->paths.flows[n];
	return NULL;
}

static void take_flow(struct mn *mn, uint16_t fid, uint8_t status)
{
	struct mn_path_flow *flow = flow_of(mn, fid);

	if (flow) {
		flow->status = status;
		flow->held = status < STATUS_BA_REJECTED ? flow->bid : 0;
	}
	if (status >= STATUS_BA_REJECTED)
		LOG_WARN("mn", "flow-refused", "fid=%u status=%u", fid, status);
}

/* Notes in a request which of its flows the home agent has now. Returns whether it lacks one that
 * it was thought to have. */
static bool note_held(struct mn *mn, struct bul_update *update)
{
	bool lacks = false;

	for (unsigned i = 0; i < update->flow_count; i++) {
		struct bul_flow *flow = &update->flows[i];
		const struct mn_path_flow *now = flow_of(mn, flow->fid);
		bool held = now && now->held == flow->bid;

		lacks |= flow->held && !held;
		flow->held = held;
	}
	return lacks;
}

/* Where the tunnel of the preferred path ends is where packets go; those of the others may come. */
static void use_tunnels(struct mn *mn)
{
	for (unsigned i = mn->paths.count; i-- > 0;) {
		const struct mn_path *path = &mn->paths.all[i];
		const struct in6_addr *end =
			path->has_tunnel ? &path->tunnel : &mn->config.home_agent;

		if (!path->registered || path->at.place == LINK_HOME)
			continue;
		if (addr_equal(&path->at.care_of, &mn->at.care_of))
			mn_tunnel_end(mn, end);
		else
			tunnel_accept(mn->tunnel, end);
	}
}

void paths_told(struct mn *mn, const struct bul_answer *answer)
{
	for (unsigned i = 0; i < answer->bid_count; i++)
		take_bid(mn, answer, &answer->bids[i]);
	for (unsigned i = 0; i < answer->flow_count; i++)
		take_flow(mn, answer->flows[i].fid, answer->flows[i].status);
	use_tunnels(mn);
	home_beside(mn);
}

void paths_answered(struct mn *mn, const struct bul_answer *answer)
{
	struct bul_update next = mn->bul.request;

	if (try_otherwise(mn, answer))
		return;
	paths_told(mn, answer);
	if (mn->bul.state != BUL_BOUND)
		return;
	if (home_refused(mn)) {
		LOG_WARN("mn", "home-binding", "used=false");
		link_forgo_home(mn->link);
		return;
	}
	if (note_held(mn, &next)) {
		paths_register(mn);
		return;
	}
	if (mn->paths.mode != MN_MULTIHOMING_SINGLE) {
		bul_refresh_with(&mn->bul, &next);
		return;
	}
	if (++mn->paths.turn < mn->paths.count) {
		next = request(mn, mn->paths.turn, false);
		bul_register_bids(&mn->bul, &next);
		return;
	}
	mn->paths.turn = 0;
	next = request(mn, 0, false);
	bul_refresh_with(&mn->bul, &next);
}

bool paths_revoked(struct mn *mn, const struct bul_answer *revocation)
{
	unsigned left = 0;

	for (unsigned i = 0; i < revocation->bid_count; i++) {
		struct mn_path *path = path_of(&mn->paths, revocation->bids[i].bid);

		if (path)
			path->revoked = true;
	}
	for (unsigned i = 0; i < mn->paths.count; i++) {
		mn->paths.all[i].revoked |= revocation->bid_count == 0;
		mn->paths.all[i].registered &= !mn->paths.all[i].revoked;
		left += mn->paths.all[i].registered;
	}
	home_beside(mn);
	return left > 0;
}

const struct mn_path *paths_home(const struct mn *mn)
{
	for (unsigned i = 0; i < mn->paths.count; i++)
		if (mn->paths.all[i].at.place == LINK_HOME)
			return &mn->paths.all[i];
	return NULL;
}

unsigned paths_interface(const struct mn *mn, const struct in6_addr *care_of)
{
	for (unsigned i = 0; i < mn->paths.count; i++)
		if (addr_equal(&mn->paths.all[i].at.care_of, care_of))
			return mn->paths.all[i].at.ifindex;
	return 0;
}
