#include "ctrl/signalling/tracer.h"

const char *tracer_kind_name(enum tracer_kind kind)
{
	static const char *const names[] = {
		[TRACER_RECEIVED] = "received",
		[TRACER_SENT] = "sent",
		[TRACER_EVENT] = "event",
	};
	size_t count = sizeof(names) / sizeof(*names);

	return (size_t)kind < count && names[kind] ? names[kind] : "unknown";
}
