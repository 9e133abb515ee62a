/*
 * Logging for programs: one line on stderr, "what: why key=value".
 *
 * Libraries return errors and do not log above debug. A program logs once,
 * where the error is decided. Lines that outside input can trigger go through
 * a log_limit, so that nobody fills a disk with garbage datagrams; what was
 * held back is counted and told with the next line. No payload, no secrets.
 *
 * Any thread; a line is one write(2).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL__MAX
};

/*
 * Debug categories, the names of ctrl_set_debug (reference 2.1). init and
 * error are always on.
 */
#define LOG_CATEGORIES(X)     \
	X(INIT, "init")       \
	X(ERROR, "error")     \
	X(CTRL, "ctrl")       \
	X(PACKET, "packet")   \
	X(SESSION, "session") \
	X(TIMER, "timer")     \
	X(TCP, "tcp")         \
	X(PARSER, "parser")   \
	X(LOG, "log")         \
	X(DDOS, "ddos")       \
	X(POLICY, "policy")   \
	X(DLP, "dlp")

enum log_category {
#define X(name, text) LOG_CAT_##name,
	LOG_CATEGORIES(X)
#undef X
		LOG_CAT__MAX
};

void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Cheap when the category is off. */
#define log_debug(cat, ...)                                 \
	do {                                                \
		if (__builtin_expect(log_debug_on(cat), 0)) \
			log_debug_line(cat, __VA_ARGS__);   \
	} while (0)

bool log_debug_on(enum log_category cat);
void log_debug_line(enum log_category cat, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Bit i = category i; init and error are added. */
void log_set_debug(uint32_t category_mask);
/* Case-insensitive; -1 when there is no such category ("all" is not one). */
int log_category_by_name(const char *name);

/* A second's allowance; zero-initialised. One thread. */
struct log_limit {
	usec_t window_start;
	uint32_t in_window;
	uint64_t held_back;
};

/*
 * May a line be written now? Sets *ret_held to the number of lines held back
 * since the last one that was (0 if none).
 */
bool log_allowed(struct log_limit *l, usec_t now, uint64_t *ret_held);
