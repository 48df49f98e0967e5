/* Mobility Header: whatever arrives is refused with a reason, or decodes to a message that encodes
 * and decodes to itself, whose fields can be walked and whose flows hold the same. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/hmac.h"
#include "mh_mutator.h"
#include "proto/mobility/auth.h"
#include "proto/mobility/flow.h"
#include "proto/mobility/mh.h"
#include "proto/mobility/visit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_error(const struct mh_error *err, size_t size)
{
	char text[200];

	require(err->fault > MH_FAULT_NONE && err->fault < MH_FAULT_COUNT);
	require(err->offset <= size);
	require(strlen(mh_error_print(err, text, sizeof(text))) < sizeof(text) - 1);
	mh_error_answer(err);
}

/* What a walk saw: a sum over all of it, and how deep lists and objects stand. */
struct walk {
	uint64_t sum;
	int depth;
};

static void walk_octets(struct walk *walk, const void *octets, size_t len)
{
	for (size_t i = 0; i < len; i++)
		walk->sum = walk->sum * 31 + ((const uint8_t *)octets)[i];
}

static int walk_fn(void *context, const struct visit_value *value)
{
	struct walk *walk = context;
	bool opens = value->kind == VISIT_LIST || value->kind == VISIT_OBJECT;

	walk->depth += opens ? 1 : value->kind == VISIT_END ? -1 : 0;
	require(walk->depth >= 0 && walk->depth < 8);
	require(!value->name || *value->name);
	walk_octets(walk, value->octets, value->len);
	walk_octets(walk, &value->number, sizeof(value->number));
	if (value->name)
		walk_octets(walk, value->name, strlen(value->name));
	if (value->text)
		walk_octets(walk, value->text, strlen(value->text));
	return 0;
}

static uint64_t walked(const struct mh *mh)
{
	struct walk walk = {0};
	const struct visitor v = {walk_fn, &walk};

	require(visit_message(mh, &v) == 0);
	for (unsigned i = 0; i < mh->option_count; i++)
		require(visit_option(&mh->options[i], &v) == 0);
	require(walk.depth == 0);
	require(visit_options(mh, &(struct visitor){walk_fn, &(struct walk){0}}) == 0);
	return walk.sum;
}

/* Encoding is canonical from the second time on. It may fail the first time only because padding
 * that the sender left out makes the message too long. */
static void check_again(const struct option_numbers *numbers, const struct mh *mh)
{
	static uint8_t first[MH_SIZE_MAX], second[MH_SIZE_MAX];
	ssize_t n = mh_encode_with(numbers, mh, first, sizeof(first));
	struct mh again;

	if (n == -ENOSPC)
		return;
	require(n > 0 && n % 8 == 0);
	require(mh_decode_with(numbers, first, (size_t)n, &again, NULL) == 0);
	require(again.type == mh->type && again.option_count == mh->option_count);
	for (unsigned i = 0; i < mh->option_count; i++)
		require(again.options[i].type == mh->options[i].type &&
			again.options[i].state == mh->options[i].state &&
			again.options[i].raw.len == mh->options[i].raw.len);
	require(walked(&again) == walked(mh));
	require(mh_encode_with(numbers, &again, second, sizeof(second)) == n);
	require(memcmp(first, second, (size_t)n) == 0);
}

/* What was signed verifies. */
static void check_auth(const struct mh *mh)
{
	static const uint8_t key[AUTH_KEY_SIZE] = "0123456789abcdef";
	static const struct in6_addr address;
	static uint8_t buf[MH_SIZE_MAX];
	static struct hmac *hmac;
	struct mh again;
	ssize_t n;

	if (auth_check(mh) != AUTH_GOOD)
		return;
	if (!hmac)
		hmac = hmac_new();
	n = mh_encode(mh, buf, sizeof(buf));
	if (n < 0)
		return;
	require(auth_sign(hmac, key, &address, &address, buf, (size_t)n) == 0);
	mh_checksum_set(&address, &address, buf, (size_t)n);
	require(mh_checksum_ok(&address, &address, buf, (size_t)n));
	require(mh_decode(buf, (size_t)n, &again, NULL) == 0);
	require(auth_verify(hmac, key, &address, &address, buf, &again) == AUTH_GOOD);
}

static void check_flow(const struct option_flow_id *option)
{
	uint8_t first[FLOW_SUBS_MAX], second[FLOW_SUBS_MAX];
	struct field_bytes subs = {first, 0};
	struct flow_error err;
	struct flow flow;
	char text[120];
	ssize_t n;

	if (flow_decode(&option->subs, &flow, &err)) {
		require(err.fault > FLOW_FAULT_NONE && err.fault < FLOW_FAULT_COUNT);
		require(err.offset <= FLOW_AT_SUBS + option->subs.len);
		require(strlen(flow_error_print(&err, text, sizeof(text))) < sizeof(text) - 1);
		return;
	}
	n = flow_encode(&flow, first, sizeof(first));
	if (n == -ENOSPC)
		return;
	require(n >= 0 && n <= FLOW_SUBS_MAX);
	subs.len = (uint8_t)n;
	require(flow_decode(&subs, &flow, NULL) == 0);
	require(flow_encode(&flow, second, sizeof(second)) == n);
	require(memcmp(first, second, (size_t)n) == 0);
}

static void check_flows(const struct mh *mh)
{
	const struct mh_option *option = option_find(mh, OPTION_FLOW_ID);

	for (; option; option = option_next(mh, option))
		check_flow(&option->flow_id);
}

static bool has_malformed(const struct mh *mh)
{
	for (unsigned i = 0; i < mh->option_count; i++)
		if (mh->options[i].state == OPTION_MALFORMED)
			return true;
	return false;
}

static void check(const struct option_numbers *numbers, const uint8_t *data, size_t size)
{
	struct mh_error err;
	struct mh mh;

	if (mh_decode_with(numbers, data, size, &mh, &err)) {
		check_error(&err, size);
		return;
	}
	require((err.fault == MH_FAULT_OPTION_LENGTH) == has_malformed(&mh));
	require(mh.len <= size);
	check_again(numbers, &mh);
	check_flows(&mh);
	if (!numbers)
		check_auth(&mh);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct option_numbers numbers = OPTION_NUMBERS_DEFAULT;
	static const struct in6_addr address;

	mh_checksum_ok(&address, &address, data, size);
	check(NULL, data, size);
	check(&numbers, data, size);
	return 0;
}
