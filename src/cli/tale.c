#include "cli/tale.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/bug.h"

#define INDENT "   "

static const char *colour(const struct tale *t, enum out_colour c)
{
	return out_colour(&t->out, c);
}

void tale_init(struct tale *t, struct out out)
{
	*t = (struct tale){ .out = out,
			    .start = clock_now(),
			    .steps = json_array() };
	if (!t->steps)
		die("out of memory");
}

void tale_done(struct tale *t)
{
	json_decref(t->steps);
	t->steps = NULL;
}

bool tale_is_text(const struct tale *t)
{
	return !t->out.json;
}

void tale_step(struct tale *t, const char *name, const char *title)
{
	t->n_steps++;
	t->step = json_pack("{s:i, s:s, s:s, s:[]}", "step", t->n_steps, "name",
			    name, "title", title, "checks");
	if (!t->step || json_array_append_new(t->steps, t->step) < 0)
		die("out of memory");
	if (tale_is_text(t))
		printf("\n%s%2u %s%s\n", colour(t, OUT_BOLD), t->n_steps, title,
		       colour(t, OUT_PLAIN));
	fflush(stdout);
}

static void line(struct tale *t, enum out_colour c, const char *fmt, va_list ap)
	__attribute__((format(printf, 3, 0)));

static void line(struct tale *t, enum out_colour c, const char *fmt, va_list ap)
{
	if (!tale_is_text(t))
		return;
	printf(INDENT "%s", c == OUT_PLAIN ? "" : colour(t, c));
	vprintf(fmt, ap);
	printf("%s\n", c == OUT_PLAIN ? "" : colour(t, OUT_PLAIN));
	fflush(stdout);
}

void tale_say(struct tale *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	line(t, OUT_PLAIN, fmt, ap);
	va_end(ap);
}

void tale_blank(struct tale *t)
{
	if (tale_is_text(t))
		printf("\n");
}

void tale_show(struct tale *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	line(t, OUT_DIM, fmt, ap);
	va_end(ap);
}

bool tale_check(struct tale *t, bool ok, const char *fmt, ...)
{
	json_t *checks = json_object_get(t->step, "checks");
	char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0 ||
	    json_array_append_new(checks, json_pack("{s:b, s:s}", "ok", ok,
						    "text", text)) < 0)
		die("out of memory");
	if (ok)
		t->passed++;
	else
		t->failed++;
	if (tale_is_text(t))
		printf(INDENT "%s%s%s %s\n",
		       colour(t, ok ? OUT_GREEN : OUT_RED), ok ? "✓" : "✗",
		       colour(t, OUT_PLAIN), text);
	fflush(stdout);
	free(text);
	return ok;
}

void tale_fact(struct tale *t, const char *key, json_t *value)
{
	if (value && t->step)
		(void)json_object_set_new(t->step, key, value);
	else
		json_decref(value);
}

static void end_text(const struct tale *t, const struct err *error, bool ok,
		     bool kept, double seconds)
{
	printf("\n");
	if (error)
		printf("%s✗ %s%s%s%s\n", colour(t, OUT_RED), error->at,
		       error->at[0] ? ": " : "", error->text,
		       colour(t, OUT_PLAIN));
	printf("%s%s%s%s%u of %u checks passed in %.1f s.%s%s%s\n",
	       colour(t, ok ? OUT_GREEN : OUT_RED), ok ? "✓ " : "",
	       colour(t, OUT_PLAIN), ok ? "" : "  The story ended early; ",
	       t->passed, t->passed + t->failed, seconds,
	       kept ? " It is still up: " : "", kept ? t->down : "",
	       kept ? " ends it." : "");
}

bool tale_end(struct tale *t, const struct err *error, bool kept)
{
	double seconds = (double)usec_since(clock_now(), t->start) / 1e6;
	bool ok = !error && t->failed == 0;
	json_t *r;

	if (tale_is_text(t)) {
		end_text(t, error, ok, kept, seconds);
		return ok;
	}
	r = json_pack("{s:b, s:i, s:i, s:f, s:b, s:O}", "ok", ok, "passed",
		      t->passed, "failed", t->failed, "seconds", seconds,
		      "kept", kept, "steps", t->steps);
	if (!r)
		die("out of memory");
	if (error)
		(void)json_object_set_new(r, "error",
					  json_pack("{s:s, s:s, s:s}", "code",
						    err_code_name(error->code),
						    "at", error->at, "text",
						    error->text));
	out_json(r);
	return ok;
}
