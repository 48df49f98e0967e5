/*
 * RFC 5213, 5.4.1: which session a Proxy Binding Update is about.
 */
#include "ctrl/signalling/lma/lma_state.h"
#include "proto/mobility/codes.h"
#include "proto/mobility/status.h"

static struct lma_found update_of(struct session *session)
{
	return (struct lma_found){.act = LMA_ACT_UPDATE, .session = session};
}

static struct lma_found refuse(uint8_t status)
{
	return (struct lma_found){.act = LMA_ACT_REFUSE, .status = status};
}

/* "For all other cases": a new session; but nothing is deregistered that is not there. */
static struct lma_found other(const struct lma_update *u)
{
	return (struct lma_found){.act = u->lifetime ? LMA_ACT_NEW : LMA_ACT_IGNORE};
}

/* Handoff state unknown: the gateway before may still say that it has gone there. A session that
 * was deregistered need not be waited for. */
static struct lma_found wait_for(
	const struct lma *lma, struct session *session, const struct lma_update *u)
{
	if (!u->lifetime)
		return other(u);
	if (session->now.life == SESSION_ENDING && !session->running && !session->waiting)
		return update_of(session);
	if (!lma->config.assign_delay_ms)
		return other(u);
	return (struct lma_found){.act = LMA_ACT_WAIT, .session = session};
}

struct lma_identity lma_identity(const struct session *session)
{
	const struct lma_request *r = NULL;

	if (session->waiting && session->waiting->kind == LMA_REGISTER)
		r = session->waiting;
	else if (session->running && session->running->kind == LMA_REGISTER)
		r = session->running;
	if (r)
		return (struct lma_identity){.care_of = &r->update.care_of,
			.access = r->update.access,
			.link_id = &r->update.link_id};
	return (struct lma_identity){.care_of = &session->now.care_of,
		.access = session->now.access,
		.link_id = &session->now.link_id};
}

/* The only session of a node, NULL: it has none or several. */
static struct session *only(const struct session_node *node)
{
	return node && node->session_count == 1 ? node->sessions : NULL;
}

/* The prefixes of a message that are not all zero. Returns their number. */
static size_t named_prefixes(const struct lma_update *u, struct prefix6 named[LMA_PREFIXES_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < u->prefix_count; i++)
		if (!addr_is_unspecified(&u->prefixes[i].addr))
			named[n++] = u->prefixes[i];
	return n;
}

/* 5.4.1.1, 5. */
static bool is_update(
	const struct lma *lma, const struct session *session, const struct lma_update *u)
{
	struct lma_identity id = lma_identity(session);

	if (u->handoff == CODES_HANDOFF_OTHER_INTERFACE)
		return true;
	if (u->access != id.access)
		return false;
	if (u->has_link_id && session_link_id_equal(&u->link_id, id.link_id))
		return true;
	if (!u->has_link_id && id.link_id->len == 0 && u->handoff == CODES_HANDOFF_OTHER_MAG)
		return true;
	/* Another way of the same gateway (RFC 8278, 3.1, 6 to 8). */
	return addr_equal(id.care_of, &u->care_of) || lma_path_is_here(lma, session, u);
}

/* 5.4.1.1: by home network prefix. */
static struct lma_found by_prefix(struct lma *lma, const struct session_node *node, uint32_t domain,
	const struct lma_update *u, const struct prefix6 *named, size_t count)
{
	struct session *session = NULL;

	for (size_t i = 0; i < count && !session; i++)
		session = session_cache_by_prefix(lma->cache, domain, &named[i]);
	if (!session)
		return other(u);
	if (session->node != node)
		return refuse(STATUS_BA_HNP_NOT_AUTHORIZED);
	if (!session_has_prefixes(&session->now, u->prefixes, u->prefix_count))
		return refuse(STATUS_BA_PREFIX_SET);
	if (is_update(lma, session, u))
		return update_of(session);
	/* A new session could not have prefixes that another one has. */
	return u->lifetime ? refuse(STATUS_BA_HNP_NOT_AUTHORIZED) : other(u);
}

/* 5.4.1.2: by link-layer identifier. */
static struct lma_found by_link_id(
	const struct lma *lma, const struct session_node *node, const struct lma_update *u)
{
	for (struct session *s = node ? node->sessions : NULL; s; s = s->next) {
		struct lma_identity id = lma_identity(s);

		if (id.access == u->access && session_link_id_equal(id.link_id, &u->link_id))
			return update_of(s);
	}
	if (only(node) && u->handoff == CODES_HANDOFF_OTHER_INTERFACE)
		return update_of(only(node));
	if (only(node) && u->handoff == CODES_HANDOFF_UNKNOWN)
		return wait_for(lma, only(node), u);
	return other(u);
}

/* 5.4.1.3: by identifier of the node alone. */
static struct lma_found by_mn_id(
	const struct lma *lma, const struct session_node *node, const struct lma_update *u)
{
	struct session *session = only(node);

	if (!session)
		return other(u);
	switch (u->handoff) {
	case CODES_HANDOFF_OTHER_INTERFACE:
	case CODES_HANDOFF_OTHER_MAG:
		return update_of(session);
	case CODES_HANDOFF_UNKNOWN:
		return wait_for(lma, session, u);
	default:
		return other(u);
	}
}

struct lma_found lma_lookup(struct lma *lma, const struct session_node *node, uint32_t domain,
	const struct lma_update *update)
{
	struct prefix6 named[LMA_PREFIXES_MAX];
	size_t count = named_prefixes(update, named);

	if (count)
		return by_prefix(lma, node, domain, update, named, count);
	if (update->has_link_id && update->link_id.len)
		return by_link_id(lma, node, update);
	return by_mn_id(lma, node, update);
}
