#include "config_rig.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
// clang-format on

#include <stdio.h>
#include <string.h>

void config_load_good(struct ctrl_config *c, const char *text)
{
	struct config_report report = {0};

	if (ctrl_config_load_text(c, "file.cfg", text, &report) < 0)
		fail_msg("%s", report.text);
	assert_int_equal(report.count, 0);
}

const char *config_instead(const char *text, const char *part, const char *by)
{
	static char other[4096];
	const char *at = strstr(text, part);

	assert_non_null(at);
	snprintf(other, sizeof(other), "%.*s%s%s", (int)(at - text), text, by, at + strlen(part));
	return other;
}

void config_assert_refused(const char *text, const char *key, const char *value)
{
	struct config_report report = {0};
	struct ctrl_config c;

	if (ctrl_config_load_text(&c, "file.cfg", text, &report) == 0)
		fail_msg("accepted: %s", text);
	assert_non_null(report.text);
	if (!strstr(report.text, "file.cfg") || !strstr(report.text, key) ||
		!strstr(report.text, value))
		fail_msg("%s does not name %s and %s", report.text, key, value);
	config_report_free(&report);
	ctrl_config_free(&c);
}
