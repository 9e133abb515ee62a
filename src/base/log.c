#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <strings.h>
#include <unistd.h>

#include "base/limits.h"

#define LINE_MAX_BYTES 1024

static const char *const level_names[] = { "error", "warning", "info" };
_Static_assert(sizeof level_names / sizeof *level_names == LOG_LEVEL__MAX,
	       "one name a level");

static const char *const category_names[] = {
#define X(name, text) text,
	LOG_CATEGORIES(X)
#undef X
};

/* Written by the control thread, read by all. */
static _Atomic uint32_t debug_mask;

static void line(const char *label, const char *fmt, va_list ap)
{
	char buf[LINE_MAX_BYTES];
	int head, body;
	size_t len;

	head = snprintf(buf, sizeof buf, "%s: ", label);
	body = vsnprintf(buf + head, sizeof buf - (size_t)head - 1, fmt, ap);
	if (body < 0)
		return;
	len = (size_t)head + (size_t)body;
	if (len > sizeof buf - 2)
		len = sizeof buf - 2;
	/* One line stays one line, whatever a name in it contains. */
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)buf[i] < ' ' || buf[i] == 0x7f)
			buf[i] = '?';
	buf[len++] = '\n';
	/* A log that cannot be written cannot be told either. */
	if (write(STDERR_FILENO, buf, len) < 0)
		return;
}

#define DEFINE_LEVEL(func, level)                  \
	void func(const char *fmt, ...)            \
	{                                          \
		va_list ap;                        \
                                                   \
		va_start(ap, fmt);                 \
		line(level_names[level], fmt, ap); \
		va_end(ap);                        \
	}

DEFINE_LEVEL(log_error, LOG_LEVEL_ERROR)
DEFINE_LEVEL(log_warn, LOG_LEVEL_WARN)
DEFINE_LEVEL(log_info, LOG_LEVEL_INFO)

bool log_debug_on(enum log_category cat)
{
	return atomic_load_explicit(&debug_mask, memory_order_relaxed) >> cat &
	       1;
}

void log_debug_line(enum log_category cat, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	line(category_names[cat], fmt, ap);
	va_end(ap);
}

void log_set_debug(uint32_t category_mask)
{
	category_mask |= 1u << LOG_CAT_INIT | 1u << LOG_CAT_ERROR;
	atomic_store_explicit(&debug_mask, category_mask, memory_order_relaxed);
}

int log_category_by_name(const char *name)
{
	for (int i = 0; i < LOG_CAT__MAX; i++)
		if (strcasecmp(name, category_names[i]) == 0)
			return i;
	return -1;
}

bool log_allowed(struct log_limit *l, usec_t now, uint64_t *ret_held)
{
	if (usec_since(now, l->window_start) >= USEC_PER_SEC) {
		l->window_start = now;
		l->in_window = 0;
	}
	if (l->in_window >= LOG_INPUT_PER_SEC) {
		l->held_back++;
		return false;
	}
	l->in_window++;
	*ret_held = l->held_back;
	l->held_back = 0;
	return true;
}
