/*
 * Logging: one structured line (logfmt) an event, to standard error.
 *
 *	LOG_INFO("ha", "registered", "home=%s coa=%s lifetime=%u", ADDR_TEXT(&h), ADDR_TEXT(&c), l);
 *	ts=2026-11-20T12:00:00.000123Z level=info module=ha event=registered home=2001:db8::1 ...
 *
 * Under systemd (JOURNAL_STREAM is set) the line is led by the "<N>" priority that the journal
 * understands. A line is one write(), so that threads do not mix; control characters become '?', so
 * that no value can forge a line; lines end at LOG_LINE_MAX octets. Values that may hold a space,
 * '=' or '"' go through LOG_QUOTE(). Where a packet can cause a line, use LOG_LIMITED().
 * Any thread may log; a data-plane worker must not while packets flow (it is a system call).
 * Keys, passwords and authenticators are never values. <syslog.h> has macros of the same names: do
 * not include both.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_LINE_MAX  1024
#define LOG_QUOTE_MAX 256

enum log_level {
	LOG_LEVEL_ERROR, /* something is broken and somebody must act */
	LOG_LEVEL_WARN,  /* not as it should be, but handled */
	LOG_LEVEL_INFO,  /* what an operator wants to read on a normal day */
	LOG_LEVEL_DEBUG, /* what a developer wants to read */
	LOG_LEVELS
};

/* Names by level, NULL-terminated, as configuration and command line spell them. */
extern const char *const log_level_names[LOG_LEVELS + 1];

/* Lines above this level are not written. LOG_LEVEL_INFO at start. */
void log_set_level(enum log_level level);

/* Whether a line of this level would be written: guards work done only for logging. */
bool log_enabled(enum log_level level);

/* Reads a level's name. Returns 0 or -EINVAL. */
int log_level_parse(const char *text, enum log_level *out);

/* Sends the lines to another file descriptor, which the caller keeps open. 2 at start. */
void log_set_fd(int fd);

/* Writes a value to buf so that it is one logfmt value: as it is, or in double quotes with '"' and
 * '\' escaped when it is empty or holds a space, '=', '"' or a control character (which becomes
 * '?'). Cut at size. NULL is written as "-". Returns buf. */
const char *log_quote(char *buf, size_t size, const char *value);

/* log_quote() as an argument of LOG_*: the buffer lives as long as the enclosing block. */
#define LOG_QUOTE(value) log_quote((char[LOG_QUOTE_MAX]){0}, LOG_QUOTE_MAX, (value))

/* Writes one line; fmt starts with a space. Use the macros below. */
void log_write(enum log_level level, const char *module, const char *event, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* LOG_AT(level, module, event [, "key=%s ...", values...]): the format is a string literal. */
#define LOG_AT(level, module, event, ...)                                                          \
	do {                                                                                       \
		if (log_enabled(level))                                                            \
			log_write((level), (module), (event), " " __VA_ARGS__);                    \
	} while (0)

#define LOG_ERROR(module, ...) LOG_AT(LOG_LEVEL_ERROR, module, __VA_ARGS__)
#define LOG_WARN(module, ...)  LOG_AT(LOG_LEVEL_WARN, module, __VA_ARGS__)
#undef LOG_INFO
#define LOG_INFO(module, ...) LOG_AT(LOG_LEVEL_INFO, module, __VA_ARGS__)
#undef LOG_DEBUG
#define LOG_DEBUG(module, ...) LOG_AT(LOG_LEVEL_DEBUG, module, __VA_ARGS__)

/* At most per_second lines in a second; the next line that passes says `suppressed=N`. One for each
 * place (or each peer) that logs; safe to share between threads. */
struct log_limit {
	uint32_t per_second;
	_Atomic uint32_t used;       /* lines passed in this second */
	_Atomic uint64_t second;     /* monotonic second that `used` counts */
	_Atomic uint64_t suppressed; /* since the last line that passed */
};

/* Initialiser: static struct log_limit limit = LOG_LIMIT(5); */
#define LOG_LIMIT(n)                                                                               \
	{                                                                                          \
		.per_second = (n)                                                                  \
	}

/* Whether a line may be written now; when it may, *suppressed is how many were not before it. */
bool log_limit_pass(struct log_limit *limit, uint64_t *suppressed);

/* The same with the time given, in seconds that never go back. */
bool log_limit_pass_at(struct log_limit *limit, uint64_t second, uint64_t *suppressed);

/* LOG_LIMITED(&limit, level, module, event, "key=%s ...", values...): with a limit; the format is
 * needed and a string literal. */
#define LOG_LIMITED(limit, level, module, event, fmt, ...)                                         \
	do {                                                                                       \
		uint64_t log_suppressed_;                                                          \
		if (!log_enabled(level) || !log_limit_pass((limit), &log_suppressed_))             \
			break;                                                                     \
		if (log_suppressed_)                                                               \
			log_write((level), (module), (event), " " fmt " suppressed=%llu",          \
				##__VA_ARGS__, (unsigned long long)log_suppressed_);               \
		else                                                                               \
			log_write((level), (module), (event), " " fmt, ##__VA_ARGS__);             \
	} while (0)
