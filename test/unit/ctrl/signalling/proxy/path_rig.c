#include "path_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "proto/mobility/icmp6.h"

enum { HEADER = 40 };

struct path_watch_use path_rig_use(uint8_t local, const char *peer)
{
	struct path_watch_use u = {.peer = peer, .bid = local, .label = 9};

	u.local.s6_addr[0] = u.remote.s6_addr[0] = 0x20;
	u.local.s6_addr[15] = local;
	u.remote.s6_addr[15] = 0xff;
	return u;
}

void path_rig_answer(const uint8_t *probe, uint8_t answer[PATH_RIG_PROBE])
{
	const size_t len = PATH_RIG_PROBE - HEADER;
	struct icmp6_message echo;
	struct in6_addr from, to;

	memcpy(&to, probe + 8, sizeof(to));
	memcpy(&from, probe + 24, sizeof(from));
	assert_int_equal(icmp6_decode(&to, &from, probe + HEADER, len, &echo), 0);
	assert_int_equal(echo.type, ICMP6_TYPE_ECHO_REQUEST);
	memcpy(answer, probe, PATH_RIG_PROBE);
	memcpy(answer + 8, &from, sizeof(from));
	memcpy(answer + 24, &to, sizeof(to));
	echo.type = ICMP6_TYPE_ECHO_REPLY;
	assert_int_equal(icmp6_encode(&from, &to, &echo, answer + HEADER, len), len);
}
