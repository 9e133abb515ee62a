/*
 * What stands where, as text. Widths are for a screen of 80 columns; from
 * WIDE_FROM on there are more columns, and what is left over is the name's.
 */
#include <langinfo.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wchar.h>
#include <wctype.h>

#include "base/bug.h"
#include "cli/human.h"
#include "cli/top.h"
#include "wire/member.h"

#define NAME_MIN  12
#define WIDE_FROM 110

struct column {
	const char *title;
	unsigned width; /* 0: what is left */
	bool text, only_wide;
};

static const struct column columns[] = {
	[TOP_NAME] = { "WORKLOAD", 0, true, false },
	[TOP_MODE] = { "MODE", 8, true, false },
	[TOP_STATE] = { "STATE", 12, true, false },
	[TOP_IN] = { "IN bit/s", 8, false, false },
	[TOP_OUT] = { "OUT bit/s", 9, false, false },
	[TOP_TRAFFIC] = { "BOTH bit/s", 10, false, true },
	[TOP_PACKETS] = { "PACKETS/s", 9, false, true },
	[TOP_SESSIONS] = { "SESS", 5, false, false },
	[TOP_NEW] = { "NEW/s", 5, false, false },
	[TOP_BLOCKED] = { "BLOCK/s", 7, false, false },
	[TOP_DROPPED] = { "DROP/s", 6, false, true },
};
_Static_assert(sizeof columns / sizeof *columns == TOP_COLUMN__MAX,
	       "one row each");

/* --- columns ------------------------------------------------------------------ */

/* One column between two; what is left is at least `least`. */
static unsigned width_in(const struct column *list, unsigned n, unsigned c,
			 unsigned screen, unsigned shares)
{
	unsigned used = 0;

	if (list[c].only_wide && screen < WIDE_FROM)
		return 0;
	if (list[c].width)
		return list[c].width;
	for (unsigned i = 0; i < n; i++)
		if (!list[i].only_wide || screen >= WIDE_FROM)
			used += list[i].width + 1;
	used--; /* none behind the last */
	return screen > used + shares * NAME_MIN ? (screen - used) / shares
						 : NAME_MIN;
}

unsigned top_column_width(enum top_column c, unsigned screen)
{
	return width_in(columns, TOP_COLUMN__MAX, c, screen, 1);
}

const char *top_column_title(enum top_column c)
{
	return columns[c].title;
}

bool top_column_is_text(enum top_column c)
{
	return columns[c].text;
}

/* --- fitting -------------------------------------------------------------------- */

static bool is_utf8(void)
{
	return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

/* The next character as it may be printed, its width, and where it ends. */
static const char *next_char(const char *at, char shown[static MB_LEN_MAX + 1],
			     unsigned *ret_width)
{
	mbstate_t s = { 0 };
	wchar_t w;
	size_t n = mbrtowc(&w, at, MB_LEN_MAX, &s);
	int width;

	(void)snprintf(shown, MB_LEN_MAX + 1, "?");
	*ret_width = 1;
	if (n == 0 || n > MB_LEN_MAX) /* no character of this locale */
		return at + 1;
	width = iswprint((wint_t)w) ? wcwidth(w) : -1;
	if (width >= 0) {
		memcpy(shown, at, n);
		shown[n] = '\0';
		*ret_width = (unsigned)width;
	}
	return at + n;
}

static unsigned width_of(const char *text)
{
	char shown[MB_LEN_MAX + 1];
	unsigned sum = 0, width;

	while (*text) {
		text = next_char(text, shown, &width);
		sum += width;
	}
	return sum;
}

static size_t add_blanks(char *buf, size_t len, unsigned n)
{
	while (n-- > 0 && len + 1 < TOP_CELL_MAX)
		buf[len++] = ' ';
	buf[len] = '\0';
	return len;
}

void top_fit(const char *text, unsigned width, bool right,
	     char buf[static TOP_CELL_MAX])
{
	unsigned whole = width_of(text), used = 0, w;
	const char *dots = whole <= width ? "" : is_utf8() ? "…" : "~";
	unsigned room = width - (dots[0] && width > 0);
	char shown[MB_LEN_MAX + 1];
	size_t len = 0;

	buf[0] = '\0';
	if (right && whole < width)
		len = add_blanks(buf, len, width - whole);
	while (*text) {
		const char *next = next_char(text, shown, &w);

		if (used + w > room ||
		    len + strlen(shown) + sizeof "…" > TOP_CELL_MAX)
			break;
		len += (size_t)snprintf(buf + len, TOP_CELL_MAX - len, "%s",
					shown);
		used += w;
		text = next;
	}
	if (dots[0] && width > 0) {
		len += (size_t)snprintf(buf + len, TOP_CELL_MAX - len, "%s",
					dots);
		used++;
	}
	if (used < width && (!right || dots[0]))
		(void)add_blanks(buf, len, width - used);
}

/* --- cells ------------------------------------------------------------------------ */

/* "0", "0.4", "12", "1.2k" */
static void rate_text(double v, char buf[static TOP_CELL_MAX])
{
	char n[HUMAN_MAX];

	if (v > 0 && v < 9.95)
		(void)snprintf(buf, TOP_CELL_MAX, "%.1f", v < 0.1 ? 0.1 : v);
	else
		(void)snprintf(buf, TOP_CELL_MAX, "%s",
			       human_count((uint64_t)(v + 0.5), n));
}

/* Of bits nobody wants tenths below a thousand. */
static void bits_text(double v, char buf[static TOP_CELL_MAX])
{
	char n[HUMAN_MAX];

	(void)snprintf(buf, TOP_CELL_MAX, "%s",
		       human_count((uint64_t)(v + 0.5), n));
}

void top_cell(const struct top_line *l, enum top_column c,
	      char buf[static TOP_CELL_MAX])
{
	const struct top_rates *r = &l->rates;
	char n[HUMAN_MAX];

	switch (c) {
	case TOP_NAME: (void)snprintf(buf, TOP_CELL_MAX, "%s", l->name); break;
	case TOP_MODE: (void)snprintf(buf, TOP_CELL_MAX, "%s", l->mode); break;
	case TOP_STATE:
		(void)snprintf(buf, TOP_CELL_MAX, "%s", l->state);
		break;
	case TOP_IN: bits_text(r->bits_in, buf); break;
	case TOP_OUT: bits_text(r->bits_out, buf); break;
	case TOP_TRAFFIC: bits_text(r->bits_in + r->bits_out, buf); break;
	case TOP_PACKETS: rate_text(r->packets_in + r->packets_out, buf); break;
	case TOP_SESSIONS:
		(void)snprintf(buf, TOP_CELL_MAX, "%s",
			       l->has_sessions ? human_count(l->sessions, n)
					       : "-");
		break;
	case TOP_NEW: rate_text(r->sessions, buf); break;
	case TOP_BLOCKED: rate_text(r->violations, buf); break;
	case TOP_DROPPED: rate_text(r->dropped, buf); break;
	default: BUG_ON(c); break;
	}
}

/* --- above the table ---------------------------------------------------------------- */

static void policy_text(const json_t *p, char *buf, size_t size)
{
	if (json_object_get(p, "refused"))
		(void)snprintf(buf, size, "policy refused: %s",
			       member_text(p, "refused"));
	else
		(void)snprintf(buf, size, "policy revision %llu %s",
			       (unsigned long long)member_number(p, "revision"),
			       json_is_true(json_object_get(p, "in_force"))
				       ? "in force"
				       : "not in force yet");
}

static void plane_text(const json_t *p, uint64_t now, char *buf, size_t size)
{
	uint64_t since = member_number(p, "since");
	char age[HUMAN_MAX];

	if (json_is_true(json_object_get(p, "up")))
		(void)snprintf(buf, size, "data plane up %s",
			       human_age(now > since ? now - since : 0, age));
	else
		(void)snprintf(buf, size, "DATA PLANE DOWN%s%s",
			       member_text(p, "text")[0] ? ": " : "",
			       member_text(p, "text"));
}

void top_head(const struct top_model *m, char lines[static 2][TOP_CELL_MAX])
{
	const json_t *a = m->answer, *counts = json_object_get(a, "counts");
	uint64_t failed = member_number(counts, "failed");
	char plane[200], policy[200], in[HUMAN_MAX], out[HUMAN_MAX],
		exact[HUMAN_MAX], bad[48] = "";
	char new[TOP_CELL_MAX], blocked[TOP_CELL_MAX];

	plane_text(json_object_get(a, "data_plane"), member_number(a, "at"),
		   plane, sizeof plane);
	policy_text(json_object_get(a, "policy"), policy, sizeof policy);
	if (failed)
		(void)snprintf(bad, sizeof bad, ", %llu port%s not guarded",
			       (unsigned long long)failed,
			       failed == 1 ? "" : "s");
	(void)snprintf(lines[0], TOP_CELL_MAX, "%s, %s, %llu workload%s%s%s",
		       plane, policy, (unsigned long long)m->n_lines,
		       m->n_lines == 1 ? "" : "s", bad,
		       json_is_true(json_object_get(a, "releasing"))
			       ? ", ALL RELEASED"
			       : "");
	rate_text(m->total.rates.sessions, new);
	rate_text(m->total.rates.violations, blocked);
	(void)snprintf(lines[1], TOP_CELL_MAX,
		       "in %s, out %s, %s sessions, %.20s/s new, %.20s/s "
		       "blocked",
		       human_rate(m->total.rates.bits_in, in),
		       human_rate(m->total.rates.bits_out, out),
		       m->total.has_sessions
			       ? human_exact((int64_t)m->total.sessions, exact)
			       : "?",
		       new, blocked);
}

/* --- events ---------------------------------------------------------------------------- */

void top_event(const json_t *event, char buf[static TOP_CELL_MAX])
{
	time_t at = (time_t)member_number(event, "at");
	uint64_t count = member_number(event, "count");
	char when[16] = "", many[40] = "";
	struct tm tm;

	if (localtime_r(&at, &tm))
		(void)strftime(when, sizeof when, "%T", &tm);
	if (count > 1)
		(void)snprintf(many, sizeof many, " (%llu times)",
			       (unsigned long long)count);
	(void)snprintf(buf, TOP_CELL_MAX, "%s %-9s %.400s%s", when,
		       member_text(event, "kind"), member_text(event, "text"),
		       many);
}

/* --- sessions ----------------------------------------------------------------------------- */

static const struct column session_columns[] = {
	[TOP_S_WAY] = { "", 3, true, false },
	[TOP_S_CLIENT] = { "CLIENT", 0, true, false },
	[TOP_S_SERVER] = { "SERVER", 0, true, false },
	[TOP_S_PORT] = { "PORT", 9, true, false },
	[TOP_S_APP] = { "APP", 10, true, false },
	[TOP_S_ACTION] = { "ACTION", 7, true, false },
	[TOP_S_BYTES] = { "BYTES", 6, false, false },
	[TOP_S_AGE] = { "AGE", 5, false, false },
};
_Static_assert(sizeof session_columns / sizeof *session_columns == TOP_S__MAX,
	       "one row each");

const char *top_session_title(enum top_session_column c)
{
	return session_columns[c].title;
}

unsigned top_session_width(enum top_session_column c, unsigned screen)
{
	return width_in(session_columns, TOP_S__MAX, c, screen, 2);
}

bool top_session_is_text(enum top_session_column c)
{
	return session_columns[c].text;
}

static void end_text(const json_t *s, const char *name, const char *address,
		     char buf[static TOP_CELL_MAX])
{
	const char *text = member_text(s, name);

	(void)snprintf(buf, TOP_CELL_MAX, "%s",
		       text[0] ? text : member_text(s, address));
}

void top_session_cell(const json_t *s, enum top_session_column c,
		      char buf[static TOP_CELL_MAX])
{
	bool egress = strcmp(member_text(s, "direction"), "egress") == 0;
	char n[HUMAN_MAX];

	switch (c) {
	case TOP_S_WAY:
		(void)snprintf(buf, TOP_CELL_MAX, "%s", egress ? "out" : "in");
		break;
	case TOP_S_CLIENT: end_text(s, "client_name", "client", buf); break;
	case TOP_S_SERVER: end_text(s, "server_name", "server", buf); break;
	case TOP_S_PORT:
		(void)snprintf(
			buf, TOP_CELL_MAX, "%s/%llu", member_text(s, "proto"),
			(unsigned long long)member_number(s, "server_port"));
		break;
	case TOP_S_APP:
		(void)snprintf(buf, TOP_CELL_MAX, "%s",
			       member_text(s, "application_name"));
		break;
	case TOP_S_ACTION:
		(void)snprintf(buf, TOP_CELL_MAX, "%s",
			       member_text(s, "action"));
		break;
	case TOP_S_BYTES:
		(void)snprintf(
			buf, TOP_CELL_MAX, "%s",
			human_count(member_number(s, "client_bytes") +
					    member_number(s, "server_bytes"),
				    n));
		break;
	case TOP_S_AGE:
		(void)snprintf(buf, TOP_CELL_MAX, "%s",
			       human_age(member_number(s, "age_s"), n));
		break;
	default: BUG_ON(c); break;
	}
}
