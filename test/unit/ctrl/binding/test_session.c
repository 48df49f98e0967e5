#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "ctrl/binding/session.h"
#include "ctrl/binding/session_cache.h"

static const char *const name = "host@example.org";

static struct prefix6 prefix(const char *text)
{
	struct prefix6 p;

	assert_int_equal(prefix6_parse(text, &p), 0);
	return p;
}

static struct session_record sample(void)
{
	struct session_record r = {.number = 0x1122334455667788,
		.mn_id = {.subtype = 1,
			.len = (uint8_t)strlen(name),
			.octets = (const uint8_t *)name},
		.registered_ns = 1,
		.updated_ns = 2,
		.expires_ns = 0xfffffffffffffffe,
		.timestamp = 0x123456789abc,
		.sequence = 3,
		.lifetime = 4,
		.flags = 0x8200,
		.access = 4,
		.handoff = 3,
		.link_id = {.len = 6, .octets = {2, 0, 0, 0, 0, 9}},
		.prefix_count = 2,
		.life = SESSION_LIVE};

	r.prefixes[0] = prefix("2001:db8:1::/64");
	r.prefixes[1] = prefix("2001:db8:2::/63");
	addr_parse("2001:db8:a::1", &r.care_of);
	addr_parse("2001:db8:b::1", &r.anchor);
	addr_parse("fe80::5", &r.link_local);
	r.encapsulation = (struct session_encapsulation){SESSION_GRE_KEYED, 0xfffffffe};
	r.delegated_count = 1;
	r.delegated[0] = prefix("2001:db8:ff00::/56");
	r.domain = 0x7ffffe;
	return r;
}

static size_t encoded(const struct session_record *r, uint8_t buf[SESSION_RECORD_MAX])
{
	struct writer w;

	writer_init(&w, buf, SESSION_RECORD_MAX);
	assert_int_equal(session_record_encode(&w, r), 0);
	return writer_len(&w);
}

enum { DOMAIN = 4 }; /* octets at the end of a record */

static int decoded(const uint8_t *buf, size_t len, struct session_record *r)
{
	struct cursor c;

	cursor_init(&c, buf, len);
	return session_record_decode(&c, r);
}

static void a_record_returns_as_it_was(void **state)
{
	const struct session_record r = sample();
	struct session_record back;
	uint8_t buf[SESSION_RECORD_MAX], again[SESSION_RECORD_MAX];
	size_t len = encoded(&r, buf);

	(void)state;
	assert_int_equal(decoded(buf, len, &back), 0);
	assert_int_equal(back.number, r.number);
	assert_true(session_mn_id_equal(&back.mn_id, &r.mn_id));
	assert_true(session_link_id_equal(&back.link_id, &r.link_id));
	assert_true(session_has_prefixes(&back, r.prefixes, r.prefix_count));
	assert_true(addr_equal(&back.care_of, &r.care_of));
	assert_true(addr_equal(&back.anchor, &r.anchor));
	assert_true(addr_equal(&back.link_local, &r.link_local));
	assert_int_equal(back.timestamp, r.timestamp);
	assert_int_equal(back.encapsulation.gre, SESSION_GRE_KEYED);
	assert_int_equal(back.encapsulation.peer_key, 0xfffffffe);
	assert_int_equal(back.delegated_count, 1);
	assert_int_equal(prefix6_compare(&back.delegated[0], &r.delegated[0]), 0);
	assert_int_equal(back.life, SESSION_LIVE);
	assert_int_equal(back.domain, 0x7ffffe);
	assert_int_equal(encoded(&back, again), len);
	assert_memory_equal(buf, again, len);
}

static void the_longest_record_fits(void **state)
{
	static const uint8_t octets[SESSION_MN_ID_MAX] = {1};
	struct session_record r = sample();
	uint8_t buf[SESSION_RECORD_MAX];

	(void)state;
	r.mn_id.len = SESSION_MN_ID_MAX;
	r.mn_id.octets = octets;
	r.link_id.len = SESSION_LINK_ID_MAX;
	r.prefix_count = SESSION_PREFIXES_MAX;
	r.delegated_count = SESSION_DELEGATED_MAX;
	for (uint8_t bid = SESSION_PATHS_MAX; bid; bid--)
		assert_int_equal(session_path_put(&r, &(struct session_path){.bid = bid}), 0);
	assert_int_equal(session_path_put(&r, &(struct session_path){.bid = 99}), -ENOSPC);
	assert_true(encoded(&r, buf) <= SESSION_RECORD_MAX);
	r.delegated_count++;
	assert_int_equal(session_record_encode(&(struct writer){0}, &r), -EINVAL);
}

static void paths_keep_their_order(void **state)
{
	struct session_record r = sample(), back;
	uint8_t buf[SESSION_RECORD_MAX];
	size_t len;

	(void)state;
	session_path_put(&r, &(struct session_path){.bid = 254, .label = 9, .expires_ns = 5});
	session_path_put(&r, &(struct session_path){.bid = 7, .access = 4, .timestamp = 6});
	session_path_put(&r, &(struct session_path){.bid = 7, .access = 5, .lifetime = 6});
	assert_int_equal(r.path_count, 2);
	len = encoded(&r, buf);
	assert_int_equal(decoded(buf, len, &back), 0);
	assert_int_equal(back.path_count, 2);
	assert_int_equal(back.paths[0].bid, 7);
	assert_int_equal(back.paths[0].access, 5);
	assert_int_equal(session_path_find(&back, 254)->label, 9);
	assert_null(session_path_find(&back, 8));
	session_path_remove(&back, 8);
	session_path_remove(&back, 7);
	assert_int_equal(back.path_count, 1);
	assert_int_equal(back.paths[0].bid, 254);
	/* Not in order, twice, or with a number that is reserved. */
	r.paths[0].bid = 254;
	assert_int_equal(session_record_encode(&(struct writer){0}, &r), -EINVAL);
	r.paths[0].bid = 0;
	assert_int_equal(session_record_encode(&(struct writer){0}, &r), -EINVAL);
	r.paths[1].bid = 255;
	assert_int_equal(session_record_encode(&(struct writer){0}, &r), -EINVAL);
}

/* Releases before knew no paths, then no data planes, then no encapsulations, then no delegated
 * prefixes, then no domains. */
static void records_of_before_are_read(void **state)
{
	struct session_record r = sample(), with = sample(), back;
	uint8_t buf[SESSION_RECORD_MAX];
	size_t len = encoded(&r, buf);

	(void)state;
	buf[0] = 5;
	len -= DOMAIN;
	assert_int_equal(decoded(buf, len, &back), 0);
	assert_int_equal(back.domain, 0);
	assert_int_equal(back.delegated_count, 1);
	assert_int_equal(decoded(buf, len + DOMAIN, &back), -EBADMSG);
	buf[0] = 4;
	assert_int_equal(decoded(buf, len - 18, &back), 0);
	assert_int_equal(back.delegated_count, 0);
	assert_int_equal(back.encapsulation.peer_key, 0xfffffffe);
	assert_int_equal(decoded(buf, len, &back), -EBADMSG);
	r.delegated_count = with.delegated_count = 0;
	len = encoded(&r, buf) - DOMAIN - 1;
	with.data_plane = 9;
	buf[0] = 1;
	assert_int_equal(decoded(buf, len - 9 - 5, &back), 0);
	assert_int_equal(back.path_count, 0);
	assert_true(session_has_prefixes(&back, r.prefixes, r.prefix_count));
	assert_int_equal(decoded(buf, len, &back), -EBADMSG);
	session_path_put(
		&with, &(struct session_path){
			       .bid = 7, .data_plane = 8, .encapsulation = {SESSION_GRE_KEYED, 5}});
	len = encoded(&with, buf);
	assert_int_equal(decoded(buf, len, &back), 0);
	len -= DOMAIN + 1;
	assert_int_equal(back.data_plane, 9);
	assert_int_equal(back.paths[0].data_plane, 8);
	assert_int_equal(back.paths[0].encapsulation.peer_key, 5);
	buf[0] = 3;
	assert_int_equal(decoded(buf, len - 10, &back), 0);
	assert_int_equal(back.paths[0].data_plane, 8);
	assert_int_equal(back.encapsulation.gre, SESSION_GRE_NONE);
	assert_int_equal(back.paths[0].encapsulation.gre, SESSION_GRE_NONE);
	assert_int_equal(decoded(buf, len, &back), -EBADMSG);
	buf[0] = 2;
	assert_int_equal(decoded(buf, len - 26, &back), 0);
	assert_int_equal(back.path_count, 1);
	assert_int_equal(back.data_plane, 0);
	assert_int_equal(decoded(buf, len, &back), -EBADMSG);
	buf[0] = 0;
	assert_int_equal(decoded(buf, len - 9, &back), -EPROTO);
}

/* Without a key that nobody gave, and of a kind that there is. */
static void a_damaged_encapsulation_is_refused(void **state)
{
	struct session_record r = sample(), back;
	uint8_t buf[SESSION_RECORD_MAX];
	size_t len = encoded(&r, buf);

	(void)state;
	buf[len - DOMAIN - 18 - 5] = SESSION_GRE_COUNT;
	assert_int_equal(decoded(buf, len, &back), -EBADMSG);
	buf[len - DOMAIN - 18 - 5] = SESSION_GRE_PLAIN;
	assert_int_equal(decoded(buf, len, &back), -EBADMSG);
	r.encapsulation = (struct session_encapsulation){.gre = SESSION_GRE_DECLINED};
	assert_int_equal(decoded(buf, encoded(&r, buf), &back), 0);
	assert_int_equal(back.encapsulation.gre, SESSION_GRE_DECLINED);
}

static bool has_odd(void *context, uint32_t key)
{
	++*(unsigned *)context;
	return key % 2;
}

/* RFC 5845, 3.3: keys of their own, also when numbers have gone once around. */
static void numbers_have_keys_of_their_own(void **state)
{
	unsigned asked = 0;

	(void)state;
	assert_int_equal(session_number_after(0, has_odd, &asked), 1);
	assert_int_equal(session_number_after(0xfffffffd, has_odd, &asked), 0xfffffffe);
	assert_int_equal(asked, 0);
	assert_int_equal(session_number_after(0xffffffff, has_odd, &asked), 0x100000002);
	assert_int_equal(session_own_key(0x100000002), 2);
}

static void a_key_in_use_is_not_given_again(void **state)
{
	static const uint64_t numbers[] = {1, 3, 0x100000000, 0x100000002};
	struct session_cache *cache = session_cache_new();
	struct session_record r = sample();
	struct session *made;

	(void)state;
	r.prefix_count = 1;
	r.delegated_count = 0;
	for (uint8_t i = 0; i < 4; i++) {
		r.number = numbers[i];
		r.prefixes[0].addr.s6_addr[7] = i;
		assert_non_null(session_cache_add(cache, &r));
	}
	r.number = 0;
	r.prefixes[0].addr.s6_addr[7] = 9;
	made = session_cache_add(cache, &r);
	assert_int_equal(made->now.number, 0x100000004);
	session_cache_free(cache);
}

static void a_damaged_record_is_refused(void **state)
{
	const struct session_record r = sample();
	struct session_record back;
	uint8_t buf[SESSION_RECORD_MAX + 1] = {0};
	size_t len = encoded(&r, buf);

	(void)state;
	for (size_t i = 0; i < len; i++)
		assert_int_equal(decoded(buf, i, &back), -EBADMSG);
	assert_int_equal(decoded(buf, len + 1, &back), -EBADMSG);
	buf[1] = SESSION_NONE;
	assert_int_equal(decoded(buf, len, &back), -EBADMSG);
	buf[1] = SESSION_LIVE;
	buf[len - DOMAIN - 1] = 1; /* a bit behind the length of the last prefix */
	assert_int_equal(decoded(buf, len, &back), -EBADMSG);
	buf[len - DOMAIN - 1] = 0;
	assert_int_equal(decoded(buf, len, &back), 0);
	buf[len - DOMAIN - 18 - 15] = 1; /* the same of the last home network prefix */
	assert_int_equal(decoded(buf, len, &back), -EBADMSG);
	buf[len - DOMAIN - 18 - 15] = 0;
	buf[len - DOMAIN - 18] = SESSION_DELEGATED_MAX + 1;
	assert_int_equal(decoded(buf, len, &back), -EBADMSG);
	buf[0] = SESSION_RECORD_VERSION + 1;
	assert_int_equal(decoded(buf, len, &back), -EPROTO);
}

static void what_no_decoder_takes_is_not_encoded(void **state)
{
	struct session_record r = sample();
	uint8_t buf[SESSION_RECORD_MAX];
	struct writer w;

	(void)state;
	writer_init(&w, buf, sizeof(buf));
	r.life = SESSION_NONE;
	assert_int_equal(session_record_encode(&w, &r), -EINVAL);
	r = sample();
	r.prefix_count = 0;
	assert_int_equal(session_record_encode(&w, &r), -EINVAL);
	r = sample();
	r.mn_id.len = 0;
	assert_int_equal(session_record_encode(&w, &r), -EINVAL);
	r = sample();
	writer_init(&w, buf, 100);
	assert_int_equal(session_record_encode(&w, &r), -ENOSPC);
}

static void sets_of_prefixes_have_no_order(void **state)
{
	const struct session_record r = sample();
	const struct prefix6 turned[] = {r.prefixes[1], r.prefixes[0]};
	const struct prefix6 twice[] = {r.prefixes[0], r.prefixes[0]};

	(void)state;
	assert_true(session_has_prefixes(&r, turned, 2));
	assert_false(session_has_prefixes(&r, turned, 1));
	assert_false(session_has_prefixes(&r, twice, 2));
}

static void identifiers_are_readable(void **state)
{
	static const uint8_t odd[] = {'a', 7, ' ', 'b'};
	struct session_mn_id id = {.subtype = 1, .len = sizeof(odd), .octets = odd};
	char text[SESSION_MN_ID_TEXT_SIZE];

	(void)state;
	assert_string_equal(session_mn_id_text(text, &id), "a??b");
	id.subtype = 5;
	assert_string_equal(session_mn_id_text(text, &id), "61072062");
}

/* RFC 7148: what is delegated comes and goes, and is one session's alone. */
static void the_cache_holds_delegated_prefixes(void **state)
{
	struct session_cache *cache = session_cache_new();
	struct session_record r = sample();
	const struct prefix6 net = r.delegated[0], more = prefix("2001:db8:ff00:100::/56");
	struct session *one = session_cache_add(cache, &r), *two;

	(void)state;
	assert_ptr_equal(session_cache_by_prefix(cache, 0x7ffffe, &net), one);
	r.number = 0;
	r.prefix_count = 1;
	r.prefixes[0] = prefix("2001:db8:9::/64");
	assert_null(session_cache_add(cache, &r));
	assert_int_equal(errno, EEXIST);
	assert_null(session_cache_by_prefix(cache, 0x7ffffe, &r.prefixes[0]));
	r.delegated_count = 0;
	two = session_cache_add(cache, &r);
	assert_int_equal(session_cache_hold(cache, two, &net), -EEXIST);
	assert_int_equal(session_cache_hold(cache, two, &more), 0);
	assert_int_equal(session_cache_hold(cache, two, &more), 0);
	assert_ptr_equal(session_cache_by_prefix(cache, 0x7ffffe, &more), two);
	session_cache_drop(cache, one, &more);
	assert_ptr_equal(session_cache_by_prefix(cache, 0x7ffffe, &more), two);
	session_cache_drop(cache, one, &net);
	assert_int_equal(session_cache_hold(cache, two, &net), 0);
	session_cache_remove(cache, two);
	assert_null(session_cache_by_prefix(cache, 0x7ffffe, &net));
	assert_null(session_cache_by_prefix(cache, 0x7ffffe, &more));
	session_cache_free(cache);
}

static void the_cache_finds_by_node_and_by_prefix(void **state)
{

	struct session_cache *cache = session_cache_new();
	struct session_record r = sample();
	const struct session_record first = r;
	struct session *one, *two;

	(void)state;
	one = session_cache_add(cache, &r);
	assert_non_null(one);
	assert_ptr_not_equal(one->now.mn_id.octets, name);
	assert_null(session_cache_add(cache, &r));
	assert_int_equal(errno, EEXIST);
	r.number = 0;
	assert_null(session_cache_add(cache, &r));
	r.prefix_count = 1;
	r.prefixes[0] = prefix("2001:db8:1::/63");
	r.delegated_count = 0;
	two = session_cache_add(cache, &r);
	assert_non_null(two);
	assert_int_equal(two->now.number, first.number + 1);
	assert_int_equal(one->node->session_count, 2);
	assert_ptr_equal(session_cache_node(cache, &first.mn_id), two->node);
	assert_ptr_equal(session_cache_by_prefix(cache, 0x7ffffe, &first.prefixes[1]), one);
	assert_ptr_equal(session_cache_by_prefix(cache, 0x7ffffe, &r.prefixes[0]), two);
	assert_ptr_equal(session_cache_by_number(cache, first.number), one);
	session_cache_remove(cache, one);
	assert_null(session_cache_by_prefix(cache, 0x7ffffe, &first.prefixes[0]));
	assert_int_equal(session_cache_count(cache), 1);
	session_cache_remove(cache, two);
	assert_null(session_cache_node(cache, &first.mn_id));
	session_cache_free(cache);
}

static void a_domain_has_prefixes_of_its_own(void **state)
{
	struct session_cache *cache = session_cache_new();
	struct session_record r = sample();
	struct session *one, *two;

	(void)state;
	one = session_cache_add(cache, &r);
	r.number = 0;
	assert_null(session_cache_add(cache, &r));
	r.domain = 0;
	two = session_cache_add(cache, &r);
	assert_non_null(two);
	assert_ptr_equal(session_cache_by_prefix(cache, 0x7ffffe, &r.prefixes[0]), one);
	assert_ptr_equal(session_cache_by_prefix(cache, 0, &r.prefixes[0]), two);
	assert_ptr_equal(session_cache_by_prefix(cache, 0, &r.delegated[0]), two);
	assert_null(session_cache_by_prefix(cache, 5, &r.prefixes[0]));
	assert_true(session_cache_overlaps(cache, 0, &r.prefixes[0]));
	assert_false(session_cache_overlaps(cache, 5, &r.prefixes[0]));
	session_cache_remove(cache, one);
	assert_ptr_equal(session_cache_by_prefix(cache, 0, &r.prefixes[0]), two);
	session_cache_free(cache);
}

static void a_subtype_makes_another_node(void **state)
{
	struct session_cache *cache = session_cache_new();
	struct session_record r = sample();
	struct session_mn_id other = r.mn_id;

	(void)state;
	other.subtype = 2;
	assert_non_null(session_cache_add(cache, &r));
	assert_null(session_cache_node(cache, &other));
	assert_non_null(session_cache_node(cache, &r.mn_id));
	session_cache_free(cache);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_returns_as_it_was),
		cmocka_unit_test(the_longest_record_fits),
		cmocka_unit_test(a_damaged_record_is_refused),
		cmocka_unit_test(paths_keep_their_order),
		cmocka_unit_test(records_of_before_are_read),
		cmocka_unit_test(a_damaged_encapsulation_is_refused),
		cmocka_unit_test(numbers_have_keys_of_their_own),
		cmocka_unit_test(a_key_in_use_is_not_given_again),
		cmocka_unit_test(what_no_decoder_takes_is_not_encoded),
		cmocka_unit_test(sets_of_prefixes_have_no_order),
		cmocka_unit_test(identifiers_are_readable),
		cmocka_unit_test(the_cache_finds_by_node_and_by_prefix),
		cmocka_unit_test(the_cache_holds_delegated_prefixes),
		cmocka_unit_test(a_domain_has_prefixes_of_its_own),
		cmocka_unit_test(a_subtype_makes_another_node),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
