/* What is printed about a find: one object with the same keys for every printer. */
#pragma once

#include <stdint.h>
#include <time.h>

#include "proto/mobility/visit.h"
#include "tools/mhdump/dissect.h"

/* Where a find was made. */
struct record_frame {
	uint64_t number;             /* of the frame in its capture, from 1 on */
	const struct timespec *time; /* since 1970; NULL when not known */
};

/* record_visit: gives FOUND to the visitor as one VISIT_OBJECT. A VISIT_STRING without text is
 * something that is not known or not there. */
int record_visit(const struct record_frame *frame, const struct dissect_found *found,
	const struct visitor *v);
