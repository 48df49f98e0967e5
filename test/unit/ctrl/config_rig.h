/* What tests of the configuration of control have in common. */
#pragma once

#include "ctrl/config.h"

/* Loads a text; fails the test if it is refused. The caller frees c. */
void config_load_good(struct ctrl_config *c, const char *text);

/* A text with one part, which it must have, replaced; until the next call. */
const char *config_instead(const char *text, const char *part, const char *by);

/* Fails the test unless the text is refused, with a report that names a file, the key and the
 * value. */
void config_assert_refused(const char *text, const char *key, const char *value);
