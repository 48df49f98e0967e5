/* dmm-mhdump: whatever a frame holds, what is printed about it is one JSON object whose keys stand
 * once, and text. The first octet chooses the link layer or none. */
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/mhdump/dissect.h"
#include "tools/mhdump/link.h"
#include "tools/mhdump/print.h"
#include "tools/mhdump/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void print(const struct dissect_found *found, visit_fn *fn, char **text)
{
	const struct timespec time = {1, 2};
	const struct record_frame frame = {7, &time};
	size_t len = 0;
	struct print p = {.out = open_memstream(text, &len)};

	require(p.out);
	require(record_visit(&frame, found, &(struct visitor){fn, &p}) == 0);
	require(p.depth == 0);
	fclose(p.out);
	require(len > 0);
}

static void check(void *context, const struct dissect_found *found)
{
	unsigned *count = context;
	char *text = NULL;
	json_t *json;

	++*count;
	print(found, print_json, &text);
	/* A whole number of 64 bits is printed as it is, which jansson reads as a real number. */
	json = json_loads(text, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, NULL);
	require(json && json_object_get(json, "error"));
	require(json_is_null(json_object_get(json, "error")) == !found->error.what);
	json_decref(json);
	free(text);
	text = NULL;
	print(found, print_text, &text);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int types[] = {
		LINK_NULL, LINK_ETHERNET, LINK_RAW, LINK_LINUX_SLL, LINK_LINUX_SLL2};
	unsigned count = 0, choice = size ? data[0] % 7 : 0;
	const struct dissect d = {
		.fn = check, .context = &count, .numbers = OPTION_NUMBERS_DEFAULT};
	uint8_t *copy = size > 1 ? malloc(size - 1) : NULL;
	const uint8_t *pkt = copy;
	size_t len = size - 1;

	if (!copy)
		return 0;
	memcpy(copy, data + 1, len);
	if (choice < 5)
		pkt = link_packet(types[choice], copy, size - 1, &len);
	if (choice == 6)
		dissect_message(&d, copy, len);
	else if (pkt)
		dissect_packet(&d, pkt, len);
	require(count <= 1);
	free(copy);
	return 0;
}
