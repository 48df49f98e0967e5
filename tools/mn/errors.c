#include "tools/mn/errors.h"

#include "common/log.h"
#include "proto/mobility/icmp6.h"
#include "proto/mobility/ip6.h"
#include "proto/mobility/mh_packet.h"
#include "proto/mobility/status.h"
#include "tools/mn/mn.h"

/* Limited as ICMPv6 errors are (RFC 4443, 2.4 (f)). */
static bool may_send(void)
{
	static struct log_limit limit = LOG_LIMIT(1);
	uint64_t suppressed;

	return log_limit_pass(&limit, &suppressed);
}

static const struct in6_addr *own_address(const struct mn *mn)
{
	return mn->at.place == LINK_FOREIGN ? &mn->at.care_of : &mn->config.home_address;
}

void errors_binding(struct mn *mn, uint8_t status)
{
	static struct log_limit limit = LOG_LIMIT(1);

	LOG_LIMITED(&limit, LOG_LEVEL_WARN, "mn", "binding-error", "status=%u", status);
	if (status == STATUS_BE_UNKNOWN_BINDING && mn->bul.state == BUL_BOUND)
		bul_refresh(&mn->bul);
}

void errors_parameter_problem(struct mn *mn, const struct bul_answer *problem)
{
	static struct log_limit limit = LOG_LIMIT(1);

	LOG_LIMITED(&limit, LOG_LEVEL_WARN, "mn", "parameter-problem", "code=%u sequence=%u",
		problem->status, problem->sequence);
	if (problem->status == ICMP6_PARAMETER_HEADER)
		bul_unserved(&mn->bul, problem->sequence);
}

void errors_unknown_type(struct mn *mn)
{
	uint8_t pkt[MH_PACKET_MAX];
	ssize_t len;

	if (!may_send())
		return;
	len = signal_binding_error(&mn->config, own_address(mn), pkt, sizeof(pkt));
	if (len > 0)
		wire_send(mn->wire, pkt, (size_t)len);
}

void errors_bad_field(struct mn *mn, const uint8_t *pkt, size_t len, uint32_t pointer)
{
	uint8_t out[IP6_MIN_MTU];
	ssize_t n;

	if (!may_send())
		return;
	n = icmp6_parameter_problem(
		own_address(mn), ICMP6_PARAMETER_FIELD, pointer, pkt, len, out, sizeof(out));
	if (n > 0)
		wire_send(mn->wire, out, (size_t)n);
}
