#include "common/token_bucket.h"

#include "common/clock.h"

void token_bucket_fill(struct token_bucket *b, uint32_t per_second, uint64_t now_ns)
{
	*b = (struct token_bucket){.since_ns = now_ns, .tokens = per_second};
}

bool token_bucket_take(struct token_bucket *b, uint32_t per_second, uint64_t now_ns)
{
	uint64_t token_ns = CLOCK_NS_PER_S / per_second;
	uint64_t earned = (now_ns - b->since_ns) / token_ns;

	if (earned) {
		uint64_t tokens = b->tokens + earned;

		b->tokens = tokens < per_second ? (uint32_t)tokens : per_second;
		b->since_ns += earned * token_ns;
	}
	if (b->tokens == 0)
		return false;
	b->tokens--;
	return true;
}
