#include "dataplane/tables/room.h"

#include <errno.h>
#include <rte_common.h>
#include <rte_eal.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <unistd.h>

enum { HUGE = 2 << 20 };

#ifndef MAP_HUGE_2MB
#define MAP_HUGE_2MB (21 << 26)
#endif

static size_t page_size(void)
{
	return rte_eal_has_hugepages() ? HUGE : (size_t)getpagesize();
}

static uint8_t *take(uint8_t *at, size_t octets, int flags)
{
	return mmap(at, octets, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE | flags, -1, 0);
}

/* Pages of 2 MiB. Put into place when there are enough: asking for them there would leave a hole in
 * the address space where there are not. */
static bool back_huge(uint8_t *at, size_t octets)
{
	uint8_t *taken = take(NULL, octets, MAP_HUGETLB | MAP_HUGE_2MB);

	if (taken == MAP_FAILED)
		return false;
	if (mremap(taken, octets, octets, MREMAP_MAYMOVE | MREMAP_FIXED, at) != MAP_FAILED)
		return true;
	munmap(taken, octets);
	return false;
}

static bool back(uint8_t *at, size_t octets, bool huge)
{
	if (huge && back_huge(at, octets))
		return true;
	if (take(at, octets, MAP_FIXED) == MAP_FAILED)
		return false;
	/* Where there are none to be had the kernel may still make some later. */
	if (huge)
		madvise(at, octets, MADV_HUGEPAGE);
	return true;
}

int room_grow(struct room *r, size_t octets)
{
	const size_t page = page_size();
	size_t more;

	if (octets > r->reserved)
		return -ENOSPC;
	if (octets <= r->made)
		return 0;
	more = RTE_ALIGN_CEIL(octets, page) - r->made;
	if (!back(r->base + r->made, more, page == HUGE))
		return -ENOMEM;
	r->made += more;
	return 0;
}

int room_init(struct room *r, size_t octets, size_t most)
{
	uint8_t *at;
	int err;

	*r = (struct room){.reserved = RTE_ALIGN_CEIL(RTE_MAX(octets, most), (size_t)HUGE)};
	/* One page more, so that it can begin at the edge of one. */
	at = mmap(NULL, r->reserved + HUGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		-1, 0);
	if (at == MAP_FAILED)
		return -ENOMEM;
	r->base = RTE_PTR_ALIGN_CEIL(at, HUGE);
	if (r->base > at)
		munmap(at, (size_t)(r->base - at));
	if (r->base < at + HUGE)
		munmap(r->base + r->reserved, (size_t)(at + HUGE - r->base));
	err = room_grow(r, octets);
	if (err < 0)
		room_destroy(r);
	return err;
}

void room_destroy(struct room *r)
{
	if (r->base)
		munmap(r->base, r->reserved);
	*r = (struct room){0};
}

size_t room_needed(size_t octets)
{
	return RTE_ALIGN_CEIL(octets, (size_t)HUGE);
}
