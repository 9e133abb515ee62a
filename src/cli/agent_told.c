/*
 * weir flows, events, explain: what was seen, and what would happen.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/agentcmd.h"
#include "cli/explain.h"
#include "cli/human.h"
#include "cli/table.h"
#include "wire/member.h"

#define TIME_TEXT_MAX 24

static const char *time_text(uint64_t at_s, char buf[static TIME_TEXT_MAX])
{
	time_t t = (time_t)at_s;
	struct tm tm;

	if (!localtime_r(&t, &tm) ||
	    strftime(buf, TIME_TEXT_MAX, "%F %T", &tm) == 0)
		(void)snprintf(buf, TIME_TEXT_MAX, "%llu",
			       (unsigned long long)at_s);
	return buf;
}

/* --- flows --------------------------------------------------------------------- */

static const char *end_of(const json_t *f, const char *name,
			  const char *address)
{
	const char *text = member_text(f, name);

	return text[0] ? text : member_text(f, address);
}

static enum out_colour action_colour(const char *action)
{
	if (strcmp(action, "deny") == 0)
		return OUT_RED;
	return strcmp(action, "violate") == 0 ? OUT_YELLOW : OUT_PLAIN;
}

/* Of all nodes of a fleet? Each has its "node" then. */
static bool is_of_fleet(const json_t *a)
{
	return json_object_get(a, "fleet");
}

/* How what is older is asked for; of a fleet, what was not looked at. */
static void print_more(const struct out *o, const json_t *a)
{
	uint64_t before = member_number(a, "before");
	const json_t *read = json_object_get(a, "fleet");

	if (member_number(read, "damaged"))
		printf("%s%llu messages of nodes could not be read%s\n",
		       out_colour(o, OUT_DIM),
		       (unsigned long long)member_number(read, "damaged"),
		       out_colour(o, OUT_PLAIN));
	if (json_is_true(json_object_get(read, "cut")))
		printf("%sonly the last %llu messages of nodes were looked "
		       "at%s\n",
		       out_colour(o, OUT_DIM),
		       (unsigned long long)member_number(read, "messages"),
		       out_colour(o, OUT_PLAIN));

	if (before)
		printf("%solder ones: --before %llu%s\n",
		       out_colour(o, OUT_DIM), (unsigned long long)before,
		       out_colour(o, OUT_PLAIN));
}

static void add_flow(struct table *t, const json_t *f)
{
	char when[TIME_TEXT_MAX], bytes[HUMAN_MAX];
	uint64_t n = member_number(f, "sessions");

	table_add(t, "%s", time_text(member_number(f, "last_seen"), when));
	table_add(t, "%s", end_of(f, "client", "client_address"));
	table_add(t, "%s", end_of(f, "server", "server_address"));
	table_add(t, "%s/%llu", member_text(f, "proto"),
		  (unsigned long long)member_number(f, "port"));
	table_add(t, "%s", member_text(f, "application"));
	table_add(t, "%s", member_text(f, "action"));
	table_add(t, "%llu",
		  (unsigned long long)(n ? n : member_number(f, "violations")));
	table_add(t, "%s", human_bytes(member_number(f, "bytes"), bytes));
}

static int print_flows(const struct out *o, const json_t *a)
{
	static const char *const heads[] = { "LAST SEEN",   "CLIENT",
					     "SERVER",	    "PORT",
					     "APPLICATION", "ACTION",
					     "SESSIONS",    "BYTES" };
	const json_t *f, *list = json_object_get(a, "flows");
	bool of_fleet = is_of_fleet(a);
	struct table t;
	size_t i;

	if (json_array_size(list) == 0) {
		puts(json_is_true(json_object_get(a, "more"))
			     ? "none among the last ones"
			     : "no flows are recorded");
		print_more(o, a);
		return CLI_OK;
	}
	table_init(&t, 8 + of_fleet, (1u << 6 | 1u << 7) << of_fleet);
	if (of_fleet)
		table_add(&t, "NODE");
	for (i = 0; i < sizeof heads / sizeof *heads; i++)
		table_add(&t, "%s", heads[i]);
	json_array_foreach (list, i, f) {
		if (of_fleet)
			table_add(&t, "%s", member_text(f, "node"));
		add_flow(&t, f);
	}
	table_print(&t, 0, out_colour(o, OUT_BOLD), out_colour(o, OUT_PLAIN));
	table_done(&t);
	print_more(o, a);
	return CLI_OK;
}

static void print_flow_line(const struct out *o, const json_t *f)
{
	const char *action = member_text(f, "action");
	char when[TIME_TEXT_MAX], bytes[HUMAN_MAX];

	printf("%s  %s -> %s %s/%llu %s  %s%s%s  %s\n",
	       time_text(member_number(f, "last_seen"), when),
	       end_of(f, "client", "client_address"),
	       end_of(f, "server", "server_address"), member_text(f, "proto"),
	       (unsigned long long)member_number(f, "port"),
	       member_text(f, "application"),
	       out_colour(o, action_colour(action)), action,
	       out_colour(o, OUT_PLAIN),
	       human_bytes(member_number(f, "bytes"), bytes));
}

static const struct agent_option flow_options[] = {
	{ "follow", 'f', AGENT_FLAG, "follow" },
	{ "violations", 'v', AGENT_FLAG, "violations" },
	{ "workload", 'w', AGENT_TEXT, "workload" },
	{ "rule", 'r', AGENT_NUMBER, "rule" },
	{ "text", 't', AGENT_TEXT, "q" },
	{ "since", 0, AGENT_AGO, "since" },
	{ "until", 0, AGENT_AGO, "until" },
	{ "limit", 'n', AGENT_NUMBER, "limit" },
	{ "before", 0, AGENT_NUMBER, "before" },
	{ "fleet", 0, AGENT_FLAG, "fleet" },
	{ NULL, 0, AGENT_FLAG, NULL },
};

static const struct agent_cmd flows_cmd = {
	.name = "flows",
	.help = "Usage: weir flows [--follow] [--violations] [--workload W] "
		"[--rule ID]\n"
		"                  [--text T] [--since 2h] [--until 1h] "
		"[--limit N]\n"
		"                  [--before CURSOR] [-o text|json|yaml]\n"
		"       weir flows --fleet [--node NODE] ...\n\n"
		"Who spoke with whom, summed up by day. --rule: what that rule "
		"decided; --text:\nwhat has it in a name, application, "
		"\"proto/port\" or address. --follow goes on\nwith what is "
		"seen from now on, a line each. --fleet: of all nodes of the "
		"fleet, also those\nthat are gone, as they told it last; "
		"--node then: of that one. For editors.\n",
	.command = "flows",
	.options = flow_options,
	.print = print_flows,
	.print_event = print_flow_line,
};

/* --- events ----------------------------------------------------------------------- */

static enum out_colour severity_colour(const char *severity)
{
	if (strcmp(severity, "critical") == 0 || strcmp(severity, "high") == 0)
		return OUT_RED;
	return strcmp(severity, "medium") == 0 ? OUT_YELLOW : OUT_PLAIN;
}

/* At whose port it was seen: a request between two workloads is at both. */
static const char *seen_at(const json_t *e)
{
	bool egress = strcmp(member_text(e, "direction"), "egress") == 0;
	const char *name = member_text(e, egress ? "client" : "server");

	return name[0] ? name : member_text(e, "workload");
}

/* Of what signatures and sensors found: where, in what, and what. */
static void print_finding(const struct out *o, const json_t *e)
{
	const char *raw = member_text(e, "raw"), *line;
	char buf[HUMAN_RAW_MAX];

	printf("%s    ", out_colour(o, OUT_DIM));
	if (member_number(e, "number"))
		printf("event %llu, ",
		       (unsigned long long)member_number(e, "number"));
	printf("at %s, %s, flow %llu, ", seen_at(e),
	       member_text(e, "application"),
	       (unsigned long long)member_number(e, "flow"));
	if (member_number(e, "rule"))
		printf("policy rule %llu",
		       (unsigned long long)member_number(e, "rule"));
	else
		printf("no policy rule");
	puts(out_colour(o, OUT_PLAIN));
	if (member_text(e, "request")[0])
		printf("    request: %s\n", member_text(e, "request"));
	if (member_text(e, "evidence")[0])
		printf("    %s: %s\n", member_text(e, "field"),
		       member_text(e, "evidence"));
	for (size_t at = 0; (line = human_raw(raw, at, buf));
	     at += HUMAN_RAW_BYTES)
		printf("    %s\n", line);
}

/* width: of its node's name; 0: it is not told. */
static void print_event(const struct out *o, const json_t *e, int width)
{
	const char *severity = member_text(e, "severity");
	uint64_t count = member_number(e, "count");
	char when[TIME_TEXT_MAX];

	printf("%s  ", time_text(member_number(e, "at"), when));
	if (width)
		printf("%-*s  ", width, member_text(e, "node"));
	printf("%s%-8s%s %-9s  %s", out_colour(o, severity_colour(severity)),
	       severity, out_colour(o, OUT_PLAIN), member_text(e, "kind"),
	       member_text(e, "text"));
	if (count > 1)
		printf("  (%llu times)", (unsigned long long)count);
	puts("");
	if (json_object_get(e, "evidence"))
		print_finding(o, e);
}

static void print_event_line(const struct out *o, const json_t *e)
{
	print_event(o, e, 0);
}

/* As wide as the longest name of a node; 0: they are of one. */
static int node_width(const json_t *a)
{
	const json_t *e;
	size_t i, max = 1;

	json_array_foreach (json_object_get(a, "events"), i, e)
		if (strlen(member_text(e, "node")) > max)
			max = strlen(member_text(e, "node"));
	return is_of_fleet(a) ? (int)max : 0;
}

/* With --raw, which has one event and no next ones: of kind dlp. */
static bool is_leak_alone(const json_t *answer, const json_t *event)
{
	return !json_object_get(answer, "next") && !is_of_fleet(answer) &&
	       strcmp(member_text(event, "kind"), "dlp") == 0;
}

static int print_events(const struct out *o, const json_t *a)
{
	const json_t *e, *list = json_object_get(a, "events");
	int width = node_width(a);
	size_t i;

	if (json_array_size(list) == 0)
		puts(json_is_true(json_object_get(a, "more"))
			     ? "none among the last ones"
			     : "no events are recorded");
	json_array_foreach (list, i, e)
		print_event(o, e, width);
	if (is_leak_alone(a, json_array_get(list, 0)))
		puts("    its bytes are not stored; the data plane has those "
		     "of the last ones:\n    weir dp findings --raw");
	print_more(o, a);
	return CLI_OK;
}

static const struct agent_option event_options[] = {
	{ "follow", 'f', AGENT_FLAG, "follow" },
	{ "kind", 'k', AGENT_TEXT, "kind" },
	{ "raw", 0, AGENT_NUMBER, "raw" },
	{ "workload", 'w', AGENT_TEXT, "workload" },
	{ "rule", 'r', AGENT_NUMBER, "rule" },
	{ "text", 't', AGENT_TEXT, "q" },
	{ "since", 0, AGENT_AGO, "since" },
	{ "until", 0, AGENT_AGO, "until" },
	{ "limit", 'n', AGENT_NUMBER, "limit" },
	{ "before", 0, AGENT_NUMBER, "before" },
	{ "fleet", 0, AGENT_FLAG, "fleet" },
	{ NULL, 0, AGENT_FLAG, NULL },
};

static const struct agent_cmd events_cmd = {
	.name = "events",
	.help = "Usage: weir events [--follow] [--kind KIND] [--workload W] "
		"[--rule ID]\n"
		"                   [--text T] [--since 2h] [--until 1h] "
		"[--limit N]\n"
		"                   [--before CURSOR] [-o text|json|yaml]\n"
		"       weir events --fleet [--node NODE] ...\n"
		"       weir events --raw NUMBER\n\n"
		"KIND is violation, threat, signature, dlp, waf, state (of "
		"Weir itself) or\nchange (of the policy). What signatures and "
		"sensors found is shown masked;\n--raw gives one event with "
		"its bytes as they were (not those of a leak,\nkind dlp, "
		"which are not stored: see weir dp findings --raw).\n"
		"Violations that are alike are one event a "
		"minute, which counts them.\n"
		"--fleet: of all nodes of the fleet, also those that are gone; "
		"--node then: of that\none. For editors.\n",
	.command = "events",
	.options = event_options,
	.print = print_events,
	.print_event = print_event_line,
};

/* --- explain ------------------------------------------------------------------------ */

static const struct agent_option explain_options[] = {
	{ "port", 'p', AGENT_NUMBER, "port" },
	{ "proto", 0, AGENT_TEXT, "proto" },
	{ "app", 'a', AGENT_TEXT, "app" },
	{ "vhost", 0, AGENT_TEXT, "vhost" },
	{ "request", 'r', AGENT_TEXT, "request" },
	{ NULL, 0, AGENT_FLAG, NULL },
};

static int prepare_explain(json_t *args, struct err *reterr)
{
	const json_t *asked = json_object_get(args, "request");
	json_t *request;

	if (asked) {
		request = explain_request(json_string_value(asked), reterr);
		if (!request)
			return -reterr->code;
		(void)json_object_set_new(args, "request", request);
	}
	if (!json_object_get(args, "proto"))
		(void)json_object_set_new(args, "proto", json_string("tcp"));
	if (!json_object_get(args, "port") &&
	    strncmp(member_text(args, "proto"), "icmp", 4) != 0)
		return err_set(reterr, EINVAL, "--port",
			       "say which (or --proto icmp)");
	return 0;
}

static void print_whose(const char *what, const json_t *end)
{
	printf("%s %s", what, member_text(end, "name"));
	if (member_text(end, "mode")[0])
		printf(" (%s, mode %s)", member_text(end, "address"),
		       member_text(end, "mode"));
}

static bool is_pending(const json_t *a)
{
	return strcmp(member_text(a, "reason"), "app_pending") == 0;
}

/* Of what leaves `from`, or enters `to`: what becomes of it, and who says so. */
static void print_answer(const struct out *o, const json_t *a,
			 const json_t *end, bool in)
{
	const char *action = member_text(a, "action");
	enum out_colour c;
	const char *word = explain_word(a, &c);

	printf("%s %s: %s%s%s: ", in ? "into" : "out of",
	       member_text(end, "name"), out_colour(o, c), word,
	       out_colour(o, OUT_PLAIN));
	if (member_number(a, "rule") && is_pending(a))
		printf("it may begin: rule %llu waits for what is spoken or "
		       "asked\n",
		       (unsigned long long)member_number(a, "rule"));
	else if (member_number(a, "rule"))
		printf("rule %llu says %s\n",
		       (unsigned long long)member_number(a, "rule"), action);
	else if (strcmp(member_text(a, "decided_by"), "default") == 0)
		printf("no rule speaks of it, and %s is in mode %s\n",
		       member_text(end, "name"), member_text(end, "mode"));
	else
		printf("%s says %s\n", member_text(a, "text"), action);
	explain_more(a);
}

static int print_explain(const struct out *o, const json_t *a)
{
	const json_t *from = json_object_get(a, "from");
	const json_t *to = json_object_get(a, "to");
	const json_t *explained = json_object_get(a, "explained"), *one;
	const json_t *answers = json_object_get(explained, "answers");
	size_t i;

	print_whose("from", from);
	print_whose(" to", to);
	puts("");
	if (json_array_size(answers) == 0)
		puts("neither end is a workload that is guarded: Weir does "
		     "not see it");
	json_array_foreach (answers, i, one) {
		bool in = strcmp(member_text(one, "direction"), "ingress") == 0;

		print_answer(o, one, in ? to : from, in);
	}
	return explain_status(explained);
}

static bool does_not_pass(const json_t *a)
{
	return explain_status(json_object_get(a, "explained")) != CLI_OK;
}

static const struct agent_cmd explain_cmd = {
	.name = "explain",
	.help = "Usage: weir explain FROM TO [--port 443] [--proto tcp] [--app "
		"NAME]\n"
		"                    [--request \"FIELD=VALUE ...\"]\n\n"
		"May FROM connect to TO, and which rule says so? Both are "
		"workloads or\naddresses. Exits with 1 if not.\n\n"
		"Examples: weir explain web db --port 5432\n"
		"          weir explain web api --port 80 --app http "
		"--request \"http.method=GET http.path=/cart\"\n",
	.command = "explain",
	.options = explain_options,
	.words = "from to",
	.prepare = prepare_explain,
	.print = print_explain,
	.is_no = does_not_pass,
};

static int numbers(json_t *args, struct err *reterr)
{
	const json_t *words = json_object_get(args, "ids"), *w;
	json_t *ids = json_array();
	size_t i;

	json_array_foreach (words, i, w) {
		const char *text = json_string_value(w);
		char *end;
		long long v;

		errno = 0;
		v = strtoll(text, &end, 10);
		if (!text[0] || *end || errno || v < 1) {
			json_decref(ids);
			return err_set(reterr, EINVAL, "ID",
				       "\"%.20s\" is no id of a session; weir "
				       "dp flows shows them",
				       text);
		}
		(void)json_array_append_new(ids, json_integer(v));
	}
	(void)json_object_set_new(args, "ids", ids);
	return 0;
}

static int print_killed(const struct out *o, const json_t *a)
{
	printf("%llu ended\n", (unsigned long long)member_number(a, "killed"));
	if (member_number(a, "watched"))
		printf("%llu are only watched, and go on; see guard.watch in "
		       "weir.yaml(5)\n",
		       (unsigned long long)member_number(a, "watched"));
	if (member_number(a, "unknown"))
		printf("%llu are not there\n",
		       (unsigned long long)member_number(a, "unknown"));
	return CLI_OK;
}

static bool killed_less(const json_t *a)
{
	return member_number(a, "watched") || member_number(a, "unknown");
}

static const struct agent_cmd kill_cmd = {
	.name = "flows kill",
	.help = "Usage: weir flows kill ID...\n"
		"\n"
		"Ends sessions that go on at the moment: nothing of them "
		"passes "
		"any more, and\n"
		"both ends of a TCP connection are reset. A new one may be "
		"made; "
		"whether it\n"
		"may is for rules to say. weir dp flows and weir top show "
		"ids.\n"
		"\n"
		"Exits with 1 if not all could be ended.\n",
	.command = "session-kill",
	.words = "ids*",
	.prepare = numbers,
	.print = print_killed,
	.is_no = killed_less,
};

int cmd_flows(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "kill") == 0)
		return agent_cmd_run(&kill_cmd, argc - 1, argv + 1);
	return agent_cmd_run(&flows_cmd, argc, argv);
}

int cmd_events(int argc, char **argv)
{
	return agent_cmd_run(&events_cmd, argc, argv);
}

int cmd_explain(int argc, char **argv)
{
	return agent_cmd_run(&explain_cmd, argc, argv);
}
