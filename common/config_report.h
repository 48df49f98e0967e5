/*
 * The configuration reader's inner part: where in the files each key stands that was read, so that
 * what is found wrong later (one value against another) is reported with its line, too.
 */
#pragma once

#include "common/config.h"

/* Notes where a key, or an item of a list, stands: "links[0].prefix". Without memory for it
 * messages about this key have no line. */
void config_report_mark(
	struct config_report *report, const char *key, const char *file, unsigned line);
