#include "common/hmac.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <string.h>

/* Test cases 1, 2, 3 and 6 of RFC 2202, 3. */
static void rfc2202_vectors(void **state)
{
	static uint8_t aa80[80], dd50[50], b20[20];
	const struct {
		const void *key;
		size_t key_len;
		const void *data;
		size_t len;
		const char *digest;
	} cases[] = {
		{b20, 20, "Hi There", 8,
			"\xb6\x17\x31\x86\x55\x05\x72\x64\xe2\x8b\xc0\xb6\xfb\x37\x8c\x8e\xf1\x46"
			"\xbe\x00"},
		{"Jefe", 4, "what do ya want for nothing?", 28,
			"\xef\xfc\xdf\x6a\xe5\xeb\x2f\xa2\xd2\x74\x16\xd5\xf1\x84\xdf\x9c\x25\x9a"
			"\x7c\x79"},
		{aa80, 20, dd50, 50,
			"\x12\x5d\x73\x42\xb9\xac\x11\xcd\x91\xa3\x9a\xf4\x8a\xa1\x7b\x4f\x63\xf1"
			"\x75\xd3"},
		{aa80, 80, "Test Using Larger Than Block-Size Key - Hash Key First", 54,
			"\xaa\x4a\xe5\xe1\x52\x72\xd0\x0e\x95\x70\x56\x37\xce\x8a\x3b\x55\xed\x40"
			"\x21\x12"},
	};
	struct hmac *h = hmac_new();

	(void)state;
	assert_non_null(h);
	memset(aa80, 0xaa, sizeof(aa80));
	memset(dd50, 0xdd, sizeof(dd50));
	memset(b20, 0x0b, sizeof(b20));
	/* Twice: the context is reused, with keys of changing length. */
	for (size_t i = 0; i < 8; i++) {
		uint8_t out[HMAC_SHA1_LEN];
		struct iovec iov = {(void *)cases[i % 4].data, cases[i % 4].len};

		assert_int_equal(
			hmac_sha1(h, cases[i % 4].key, cases[i % 4].key_len, &iov, 1, out), 0);
		assert_memory_equal(out, cases[i % 4].digest, HMAC_SHA1_LEN);
	}
	hmac_free(h);
}

static void scattered_data_is_one_text(void **state)
{
	uint8_t one[HMAC_SHA1_LEN], many[HMAC_SHA1_LEN];
	struct iovec whole = {"abcdef", 6};
	struct iovec parts[] = {{"ab", 2}, {NULL, 0}, {"c", 1}, {"def", 3}};
	struct hmac *h = hmac_new();

	(void)state;
	assert_int_equal(hmac_sha1(h, "key", 3, &whole, 1, one), 0);
	assert_int_equal(hmac_sha1(h, "key", 3, parts, 4, many), 0);
	assert_memory_equal(one, many, sizeof(one));
	assert_int_equal(hmac_sha1(h, "other", 5, parts, 4, many), 0);
	assert_memory_not_equal(one, many, sizeof(one));
	assert_int_equal(hmac_sha1(h, "", 0, &whole, 1, one), -EINVAL);
	hmac_free(h);
	hmac_free(NULL);
}

static void compares_wipes_and_draws(void **state)
{
	uint8_t a[64], b[64];

	(void)state;
	assert_int_equal(hmac_random(a, sizeof(a)), 0);
	assert_int_equal(hmac_random(b, sizeof(b)), 0);
	assert_false(hmac_equal(a, b, sizeof(a)));
	memcpy(b, a, sizeof(b));
	assert_true(hmac_equal(a, b, sizeof(a)));
	b[63] ^= 1;
	assert_false(hmac_equal(a, b, sizeof(a)));
	assert_true(hmac_equal(a, b, 63));
	hmac_wipe(a, sizeof(a));
	for (size_t i = 0; i < sizeof(a); i++)
		assert_int_equal(a[i], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc2202_vectors),
		cmocka_unit_test(scattered_data_is_one_text),
		cmocka_unit_test(compares_wipes_and_draws),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
