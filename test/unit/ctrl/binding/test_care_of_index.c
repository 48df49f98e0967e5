/* Who is bound from a care-of address, compared with a plain list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ctrl/binding/binding.h"
#include "ctrl/binding/care_of_index.h"

enum { NODES = 200, ADDRESSES = 60, STEPS = 20000 };

static struct binding nodes[NODES];
static unsigned held[NODES][ADDRESSES]; /* how often a node is bound from an address */

static struct in6_addr address(unsigned n)
{
	return (struct in6_addr){.s6_addr = {0x20, 1, [14] = (uint8_t)(n >> 8), (uint8_t)n}};
}

static bool is_node(void *context, const struct binding *b)
{
	return b == context;
}

static bool anybody(void *context, const struct binding *b)
{
	(void)context;
	return b != NULL;
}

static void assert_same(const struct care_of_index *index, unsigned n)
{
	struct in6_addr a = address(n);
	bool any = false;

	for (unsigned i = 0; i < NODES; i++) {
		const struct binding *found = care_of_index_find(index, &a, is_node, &nodes[i]);

		assert_ptr_equal(found, held[i][n] ? &nodes[i] : NULL);
		any |= held[i][n] != 0;
	}
	assert_int_equal(care_of_index_find(index, &a, anybody, NULL) != NULL, any);
}

static void adding_and_removing(void **state)
{
	struct care_of_index *index = care_of_index_new(100);
	unsigned count = 0;

	(void)state;
	srand(1);
	for (unsigned step = 0; step < STEPS; step++) {
		unsigned i = (unsigned)rand() % NODES, n = (unsigned)rand() % ADDRESSES;
		struct in6_addr a = address(n);

		if (count < 100 && rand() % 2) {
			care_of_index_add(index, &a, &nodes[i]);
			held[i][n]++;
			count++;
		} else {
			care_of_index_remove(index, &a, &nodes[i]);
			count -= held[i][n] > 0;
			held[i][n] -= held[i][n] > 0;
		}
		if (step % 100 == 0)
			assert_same(index, n);
	}
	for (unsigned n = 0; n < ADDRESSES; n++)
		assert_same(index, n);
	care_of_index_free(index);
	care_of_index_free(NULL);
}

/* More than was asked for is not found, and does no harm. */
static void full(void **state)
{
	struct care_of_index *index = care_of_index_new(1);
	struct in6_addr last = address(9999);

	(void)state;
	for (unsigned n = 0; n < 1000; n++) {
		struct in6_addr a = address(n);

		care_of_index_add(index, &a, &nodes[0]);
	}
	assert_null(care_of_index_find(index, &last, anybody, NULL));
	care_of_index_free(index);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(adding_and_removing),
		cmocka_unit_test(full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
