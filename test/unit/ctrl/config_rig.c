#include "config_rig.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
// clang-format on

#include <string.h>

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
