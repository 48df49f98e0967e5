/* What tests of the configuration of control have in common. */
#pragma once

#include "ctrl/config.h"

/* Fails the test unless the text is refused, with a report that names a file, the key and the
 * value. */
void config_assert_refused(const char *text, const char *key, const char *value);
