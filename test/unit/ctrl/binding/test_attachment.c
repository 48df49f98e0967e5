#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "ctrl/binding/attachment.h"

static const char *const name = "host@example.org";

static struct attachment_record sample(void)
{
	struct attachment_record r = {.number = 7,
		.mac = {{2, 0, 0, 0, 0, 9}},
		.mn_id = {.subtype = 1,
			.len = (uint8_t)strlen(name),
			.octets = (const uint8_t *)name},
		.link = "access",
		.attached_ns = 1,
		.updated_ns = 2,
		.expires_ns = 3,
		.sequence = 4,
		.lifetime = 5,
		.prefix_count = 1};

	prefix6_parse("2001:db8:4::/64", &r.prefixes[0]);
	addr_parse("2001:db8:b::1", &r.anchor);
	r.encapsulation = (struct session_encapsulation){SESSION_GRE_KEYED, 6};
	r.domain = 0x7ffffe;
	r.access = 4;
	r.delegated_count = 1;
	prefix6_parse("2001:db8:7000::/56", &r.delegated[0]);
	return r;
}

enum { ACCESS = 1, DOMAIN = 4 + ACCESS }; /* octets at the end of a record */

static int decoded(const uint8_t *buf, size_t len, struct attachment_record *r)
{
	struct cursor c;

	cursor_init(&c, buf, len);
	return attachment_record_decode(&c, r);
}

static size_t encoded(const struct attachment_record *r, uint8_t buf[ATTACHMENT_RECORD_MAX])
{
	struct writer w;

	writer_init(&w, buf, ATTACHMENT_RECORD_MAX);
	assert_int_equal(attachment_record_encode(&w, r), 0);
	return writer_len(&w);
}

static void a_record_returns_as_it_was(void **state)
{
	const struct attachment_record r = sample();
	struct attachment_record back;
	uint8_t buf[ATTACHMENT_RECORD_MAX], again[ATTACHMENT_RECORD_MAX];
	size_t len = encoded(&r, buf);

	(void)state;
	assert_int_equal(decoded(buf, len, &back), 0);
	assert_int_equal(back.number, 7);
	assert_true(mac_equal(&back.mac, &r.mac));
	assert_true(session_mn_id_equal(&back.mn_id, &r.mn_id));
	assert_string_equal(back.link, "access");
	assert_true(addr_equal(&back.anchor, &r.anchor));
	assert_int_equal(back.sequence, 4);
	assert_int_equal(back.lifetime, 5);
	assert_int_equal(prefix6_compare(&back.prefixes[0], &r.prefixes[0]), 0);
	assert_int_equal(back.encapsulation.gre, SESSION_GRE_KEYED);
	assert_int_equal(back.encapsulation.peer_key, 6);
	assert_int_equal(back.delegated_count, 1);
	assert_int_equal(back.domain, 0x7ffffe);
	assert_int_equal(back.access, 4);
	assert_int_equal(prefix6_compare(&back.delegated[0], &r.delegated[0]), 0);
	assert_int_equal(encoded(&back, again), len);
	assert_memory_equal(buf, again, len);
}

static void a_damaged_record_is_refused(void **state)
{
	const struct attachment_record r = sample();
	struct attachment_record back;
	uint8_t buf[ATTACHMENT_RECORD_MAX + 1] = {0};
	size_t len = encoded(&r, buf);

	(void)state;
	for (size_t i = 0; i < len; i++)
		assert_int_equal(decoded(buf, i, &back), -EBADMSG);
	assert_int_equal(decoded(buf, len + 1, &back), -EBADMSG);
	buf[len - DOMAIN - 41] = 1; /* a bit behind the length of the prefix */
	assert_int_equal(decoded(buf, len, &back), -EBADMSG);
	buf[len - DOMAIN - 41] = 0;
	buf[len - DOMAIN - 1] = 1; /* the same of the delegated one */
	assert_int_equal(decoded(buf, len, &back), -EBADMSG);
	buf[len - DOMAIN - 1] = 0;
	buf[len - DOMAIN - 18] = SESSION_DELEGATED_MAX + 1;
	assert_int_equal(decoded(buf, len, &back), -EBADMSG);
	buf[len - DOMAIN - 18] = 1;
	buf[len - DOMAIN - 23] = SESSION_GRE_COUNT;
	assert_int_equal(decoded(buf, len, &back), -EBADMSG);
	buf[0] = ATTACHMENT_RECORD_VERSION + 1;
	assert_int_equal(decoded(buf, len, &back), -EPROTO);
}

static void paths_return_as_they_were(void **state)
{
	struct attachment_record r = sample(), back;
	uint8_t buf[ATTACHMENT_RECORD_MAX];
	struct writer w;
	size_t len;

	(void)state;
	r.path_count = 2;
	r.paths[0] = (struct attachment_path){.bid = 1, .lifetime = 30, .expires_ns = 7};
	r.paths[1] = (struct attachment_path){
		.bid = 254, .lifetime = 40, .expires_ns = 8, .user_plane = r.anchor};
	r.paths[1].encapsulation.gre = SESSION_GRE_PLAIN;
	len = encoded(&r, buf);
	assert_int_equal(decoded(buf, len, &back), 0);
	assert_int_equal(back.path_count, 2);
	assert_int_equal(back.paths[0].lifetime, 30);
	assert_int_equal(back.paths[1].bid, 254);
	assert_int_equal(back.paths[1].expires_ns, 8);
	assert_true(addr_equal(&back.paths[1].user_plane, &r.anchor));
	assert_int_equal(back.paths[1].encapsulation.gre, SESSION_GRE_PLAIN);
	/* A release before knew no access technology, one before it no domains, one before it no
	 * delegated prefixes, one before that no encapsulations, and before that no addresses of
	 * user planes. */
	buf[0] = 6;
	len -= ACCESS;
	assert_int_equal(decoded(buf, len, &back), 0);
	assert_int_equal(back.access, 0);
	assert_int_equal(back.domain, 0x7ffffe);
	buf[0] = 5;
	len -= DOMAIN - ACCESS;
	assert_int_equal(decoded(buf, len, &back), 0);
	assert_int_equal(back.domain, 0);
	assert_int_equal(back.delegated_count, 1);
	buf[0] = 4;
	len -= 18;
	assert_int_equal(decoded(buf, len, &back), 0);
	assert_int_equal(back.delegated_count, 0);
	assert_int_equal(back.encapsulation.peer_key, 6);
	buf[0] = 3;
	assert_int_equal(decoded(buf, len - 15, &back), 0);
	assert_true(addr_equal(&back.paths[1].user_plane, &r.anchor));
	assert_int_equal(back.encapsulation.gre, SESSION_GRE_NONE);
	buf[0] = 2;
	assert_int_equal(decoded(buf, len - 63, &back), 0);
	assert_int_equal(back.path_count, 2);
	assert_true(addr_is_unspecified(&back.paths[1].user_plane));
	r.paths[1].bid = 1;
	writer_init(&w, buf, sizeof(buf));
	assert_int_equal(attachment_record_encode(&w, &r), -EINVAL);
	/* One before it knew no paths. */
	r = sample();
	len = encoded(&r, buf);
	buf[0] = 1;
	assert_int_equal(decoded(buf, len - DOMAIN - 18 - 22, &back), 0);
	assert_int_equal(back.path_count, 0);
}

static void what_no_decoder_takes_is_not_encoded(void **state)
{
	struct attachment_record r = sample();
	uint8_t buf[ATTACHMENT_RECORD_MAX];
	struct writer w;

	(void)state;
	writer_init(&w, buf, sizeof(buf));
	r.lifetime = 0;
	assert_int_equal(attachment_record_encode(&w, &r), -EINVAL);
	r = sample();
	r.link[0] = '\0';
	assert_int_equal(attachment_record_encode(&w, &r), -EINVAL);
	r = sample();
	r.prefix_count = 0;
	assert_int_equal(attachment_record_encode(&w, &r), -EINVAL);
	r = sample();
	r.delegated_count = SESSION_DELEGATED_MAX + 1;
	assert_int_equal(attachment_record_encode(&w, &r), -EINVAL);
	writer_init(&w, buf, 40);
	r = sample();
	assert_int_equal(attachment_record_encode(&w, &r), -ENOSPC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_returns_as_it_was),
		cmocka_unit_test(a_damaged_record_is_refused),
		cmocka_unit_test(paths_return_as_they_were),
		cmocka_unit_test(what_no_decoder_takes_is_not_encoded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
