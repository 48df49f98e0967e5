#include "dataplane/nodes/meta.h"

#include "dataplane/nodes/domain.h"

#include <rte_errno.h>
#include <stdalign.h>

int meta_offset = -1;

int meta_register(void)
{
	static const struct rte_mbuf_dynfield field = {
		.name = "dmm_meta",
		.size = sizeof(struct meta),
		.align = alignof(uint64_t),
	};

	meta_offset = rte_mbuf_dynfield_register(&field);
	return meta_offset < 0 ? -rte_errno : domain_register();
}
