#include "cli/dpshow_told.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cli/dplist.h"
#include "cli/human.h"
#include "wire/member.h"

/* Of both ends; longer ones take two lines. So a line fits 80 columns. */
#define CONNECTION_WIDTH 40
#define THREAT_WIDTH	 20

/* How long ago a UNIX time was; a clock that was set back gives 0. */
static void add_ago(struct table *t, uint64_t unix_s)
{
	uint64_t now = clock_unix_us() / USEC_PER_SEC;
	char buf[HUMAN_MAX];

	table_add(t, "%s", human_age(now > unix_s ? now - unix_s : 0, buf));
}

/* "client → server"; *ret_below: what does not fit, for the next line */
static void add_ends(struct table *t, const char *from, const char *to,
		     size_t width, const char **ret_below)
{
	bool fits = strlen(from) + strlen(to) < width;

	table_add(t, "%s → %s", from, fits ? to : "");
	*ret_below = fits ? NULL : to;
}

static void add_below(struct table *t, unsigned col, const char *below)
{
	for (unsigned i = 0; below && i < t->cols; i++)
		table_add(t, "%s", i == col ? below : "");
}

/* "tcp", and the application when it is known: "tcp/http" */
static void add_what(struct table *t, const json_t *c)
{
	const char *app = member_text(c, "application");
	bool known = strcmp(app, "unknown") != 0 &&
		     strcmp(app, "not_checked") != 0;
	bool egress = strcmp(member_text(c, "direction"), "egress") == 0;

	table_add(t, "%-3s %s%s%s", egress ? "out" : "in",
		  member_text(c, "proto"), known ? "/" : "", known ? app : "");
}

static void add_verdict(struct table *t, const json_t *c)
{
	char rule[32] = "", threat[48] = "";

	if (member_number(c, "rule"))
		(void)snprintf(rule, sizeof rule, " %" PRIu64,
			       member_number(c, "rule"));
	if (member_number(c, "threat"))
		(void)snprintf(threat, sizeof threat, ", threat %" PRIu64,
			       member_number(c, "threat"));
	table_add(t, "%s%s%s", member_text(c, "action"), rule, threat);
}

static void add_connection(struct table *t, const json_t *c)
{
	char client[80], server[80], a[HUMAN_MAX], b[HUMAN_MAX];
	const char *below;

	print_end(client, sizeof client, member_text(c, "client"),
		  member_number(c, "client_port"));
	print_end(server, sizeof server, member_text(c, "server"),
		  member_number(c, "server_port"));
	add_ago(t, member_number(c, "last_seen"));
	add_what(t, c);
	add_ends(t, client, server, CONNECTION_WIDTH, &below);
	table_add(t, "%s/%s", human_count(member_number(c, "sessions"), a),
		  human_count(member_number(c, "violations"), b));
	table_add(t, "%s", human_count(member_number(c, "bytes"), a));
	add_verdict(t, c);
	add_below(t, 2, below);
}

static void add_threat(struct table *t, const json_t *r)
{
	char from[80], to[80], count[HUMAN_MAX];
	const char *below;

	print_end(from, sizeof from, member_text(r, "from"),
		  member_number(r, "from_port"));
	print_end(to, sizeof to, member_text(r, "to"),
		  member_number(r, "to_port"));
	add_ago(t, member_number(r, "at"));
	table_add(t, "%s", member_text(r, "severity"));
	table_add(t, "%s", member_text(r, "text"));
	add_ends(t, from, to, THREAT_WIDTH, &below);
	table_add(t, "%s", human_count(member_number(r, "count"), count));
	table_add(t, "%s", member_text(r, "action"));
	add_below(t, 3, below);
}

static void add_finding(struct table *t, const json_t *r)
{
	char from[80], to[80], count[HUMAN_MAX], raw[HUMAN_RAW_MAX];
	const char *below;

	print_end(from, sizeof from, member_text(r, "client"),
		  member_number(r, "client_port"));
	print_end(to, sizeof to, member_text(r, "server"),
		  member_number(r, "server_port"));
	add_ago(t, member_number(r, "last_seen"));
	table_add(t, "%s", member_text(r, "severity"));
	table_add(t, "%s %" PRIu64 " %s", member_text(r, "kind"),
		  member_number(r, "id"), member_text(r, "name"));
	add_ends(t, from, to, THREAT_WIDTH, &below);
	table_add(t, "%s", human_count(member_number(r, "count"), count));
	table_add(t, "%s", member_text(r, "action"));
	add_below(t, 3, below);
	if (member_text(r, "request")[0])
		add_below(t, 2, member_text(r, "request"));
	if (member_text(r, "evidence")[0])
		add_below(t, 2, member_text(r, "evidence"));
	for (size_t at = 0; (below = human_raw(member_text(r, "raw"), at, raw));
	     at += HUMAN_RAW_BYTES)
		add_below(t, 2, below);
}

static void add_meter(struct table *t, const json_t *m)
{
	const char *source = member_text(m, "source");
	uint64_t span = member_number(m, "span_s");
	char a[HUMAN_MAX], b[HUMAN_MAX];

	table_add(t, "%s", member_text(m, "meter"));
	table_add(t, "%s", source[0] ? source : "all");
	table_add(t, "%s", human_count(member_number(m, "count"), a));
	table_add(t, "%s",
		  span ? human_count(member_number(m, "last_count"), a) : "-");
	table_add(t, "%s", span ? human_age(span, a) : "-");
	table_add(t, "%s..%s", human_count(member_number(m, "lower"), a),
		  human_count(member_number(m, "upper"), b));
	table_add(t, "%s", human_age(member_number(m, "idle_s"), a));
}

static void tell_missed(const struct out *o, const json_t *answer)
{
	uint64_t missed = member_number(answer, "missed");
	char n[HUMAN_MAX];

	if (missed)
		printf("%s%s older one%s gave way to these%s\n",
		       out_colour(o, OUT_DIM), human_exact((int64_t)missed, n),
		       missed == 1 ? "" : "s", out_colour(o, OUT_PLAIN));
}

void dpshow_connections(const struct out *o, const json_t *answer)
{
	static const char *const head[] = {
		"AGO", "FLOW", "CLIENT → SERVER", "NEW/VIOL", "BYTES", "VERDICT"
	};
	static const struct dplist list = {
		"connections",
		"no connections yet; they are told every 5 s",
		head,
		sizeof head / sizeof *head,
		1u << 0 | 1u << 3 | 1u << 4,
		add_connection,
	};

	tell_missed(o, answer);
	dplist_show(o, answer, &list, 0);
}

void dpshow_threats(const struct out *o, const json_t *answer)
{
	static const char *const head[] = { "AGO",	 "SEVERITY", "THREAT",
					    "FROM → TO", "COUNT",    "ACTION" };
	static const struct dplist list = {
		"threats",
		"no threats",
		head,
		sizeof head / sizeof *head,
		1u << 0 | 1u << 4,
		add_threat,
	};

	tell_missed(o, answer);
	dplist_show(o, answer, &list, 0);
}

void dpshow_findings(const struct out *o, const json_t *answer)
{
	static const char *const head[] = { "AGO",	 "SEVERITY", "FINDING",
					    "FROM → TO", "COUNT",    "ACTION" };
	static const struct dplist list = {
		"findings",
		"no findings",
		head,
		sizeof head / sizeof *head,
		1u << 0 | 1u << 4,
		add_finding,
	};

	tell_missed(o, answer);
	dplist_show(o, answer, &list, 0);
}

void dpshow_meters(const struct out *o, const json_t *answer)
{
	static const char *const head[] = { "METER", "SOURCE", "NOW", "BEFORE",
					    "SPAN",  "LIMITS", "IDLE" };
	static const struct dplist list = {
		"meters",
		"no meter runs",
		head,
		sizeof head / sizeof *head,
		1u << 2 | 1u << 3 | 1u << 4 | 1u << 5 | 1u << 6,
		add_meter,
	};

	dplist_show(o, answer, &list, 0);
}
