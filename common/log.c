#include "common/log.h"

#include "common/clock.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

const char *const log_level_names[LOG_LEVELS + 1] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARN] = "warn",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};

/* What the journal calls them (the priorities of syslog). */
static const char journal_priority[LOG_LEVELS] = {
	[LOG_LEVEL_ERROR] = '3',
	[LOG_LEVEL_WARN] = '4',
	[LOG_LEVEL_INFO] = '6',
	[LOG_LEVEL_DEBUG] = '7',
};

static _Atomic int max_level = LOG_LEVEL_INFO;
static _Atomic int log_fd = STDERR_FILENO;

void log_set_level(enum log_level level)
{
	atomic_store_explicit(&max_level, (int)level, memory_order_relaxed);
}

bool log_enabled(enum log_level level)
{
	return (int)level <= atomic_load_explicit(&max_level, memory_order_relaxed);
}

int log_level_parse(const char *text, enum log_level *out)
{
	for (int i = 0; i < LOG_LEVELS; i++) {
		if (strcmp(text, log_level_names[i]) == 0) {
			*out = (enum log_level)i;
			return 0;
		}
	}
	return -EINVAL;
}

void log_set_fd(int fd)
{
	atomic_store(&log_fd, fd);
}

static bool is_control(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f;
}

static bool is_plain(const char *value)
{
	if (*value == '\0')
		return false;
	for (; *value; value++)
		if (is_control(*value) || strchr(" =\"\\", *value))
			return false;
	return true;
}

const char *log_quote(char *buf, size_t size, const char *value)
{
	size_t n = 0;

	if (!value || is_plain(value)) {
		snprintf(buf, size, "%s", value ? value : "-");
		return buf;
	}
	if (size < 3) {
		snprintf(buf, size, "?");
		return buf;
	}
	buf[n++] = '"';
	for (; *value; value++) {
		bool escape = *value == '"' || *value == '\\';

		if (n + escape + 3 > size) /* the character, the closing quote, the NUL */
			break;
		if (escape)
			buf[n++] = '\\';
		buf[n++] = is_control(*value) ? '?' : *value;
	}
	buf[n++] = '"';
	buf[n] = '\0';
	return buf;
}

/* The head of a line up to the event; returns its length. */
static size_t write_head(
	char *line, size_t size, enum log_level level, const char *module, const char *event)
{
	uint64_t now = clock_real_ns();
	time_t seconds = (time_t)(now / CLOCK_NS_PER_S);
	char stamp[32], priority[4] = "";
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &tm);
	if (getenv("JOURNAL_STREAM")) {
		priority[0] = '<';
		priority[1] = journal_priority[level];
		priority[2] = '>';
	}
	int n = snprintf(line, size, "%sts=%s.%06uZ level=%s module=%s event=%s", priority, stamp,
		(unsigned)(now % CLOCK_NS_PER_S / CLOCK_NS_PER_US), log_level_names[level], module,
		event);
	return (size_t)n < size ? (size_t)n : size - 1;
}

void log_write(enum log_level level, const char *module, const char *event, const char *fmt, ...)
{
	char line[LOG_LINE_MAX];
	size_t size = sizeof(line) - 1; /* the last octet is for the newline */
	size_t n = write_head(line, size, level, module, event);
	va_list ap;

	va_start(ap, fmt);
	int more = vsnprintf(line + n, size - n, fmt, ap);
	va_end(ap);
	if (more > 0)
		n = (size_t)more < size - n ? n + (size_t)more : size - 1;
	while (n && line[n - 1] == ' ')
		n--;
	for (size_t i = 0; i < n; i++)
		if (is_control(line[i]))
			line[i] = '?';
	line[n++] = '\n';
	/* Nobody can be told that a log line was lost. */
	if (write(atomic_load(&log_fd), line, n) < 0)
		return;
}

bool log_limit_pass(struct log_limit *limit, uint64_t *suppressed)
{
	return log_limit_pass_at(limit, clock_mono_ns() / CLOCK_NS_PER_S, suppressed);
}

bool log_limit_pass_at(struct log_limit *limit, uint64_t second, uint64_t *suppressed)
{
	uint64_t counted = atomic_load(&limit->second);

	/* The one thread that moves the second on starts its count; a race costs a line. The
	 * stored value is one more, so that zero is "never". */
	if (counted != second + 1 &&
		atomic_compare_exchange_strong(&limit->second, &counted, second + 1))
		atomic_store(&limit->used, 0);
	if (atomic_fetch_add(&limit->used, 1) >= limit->per_second) {
		atomic_fetch_add(&limit->suppressed, 1);
		return false;
	}
	*suppressed = atomic_exchange(&limit->suppressed, 0);
	return true;
}
