#include "cli/dpshow.h"

#include <inttypes.h>
#include <string.h>

#include "cli/dplist.h"
#include "cli/human.h"
#include "wire/member.h"

/* Of both ends; longer ones take two lines. */
#define FLOW_WIDTH 44

/* How far a TCP connection is; both ends' states are in the JSON. */
static const char *tcp_progress(const json_t *s)
{
	static const struct {
		const char *state, *word;
	} words[] = {
		/* The first that either end is in decides. */
		{ "CLOSE", "closed" },	     { "TIME_WAIT", "closed" },
		{ "SYN_SENT", "opening" },   { "SYN_RECV", "opening" },
		{ "FIN_WAIT1", "closing" },  { "FIN_WAIT2", "closing" },
		{ "CLOSE_WAIT", "closing" }, { "LAST_ACK", "closing" },
		{ "CLOSING", "closing" },    { "ESTABLISHED", "open" },
	};
	const char *client = member_text(s, "client_state");
	const char *server = member_text(s, "server_state");

	if (strcmp(member_text(s, "proto"), "tcp") != 0)
		return "-";
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strcmp(client, words[i].state) == 0 ||
		    strcmp(server, words[i].state) == 0)
			return words[i].word;
	return client;
}

static void add_verdict(struct table *t, const json_t *s)
{
	const char *action = member_text(s, "action");
	uint64_t rule = member_number(s, "rule"),
		 threat = member_number(s, "threat");
	char mark[32] = "";

	if (threat > 0)
		(void)snprintf(mark, sizeof mark, " !%" PRIu64, threat);
	if (json_is_true(json_object_get(s, "blocked")))
		action = "BLOCKED";
	if (rule > 0)
		table_add(t, "%s %" PRIu64 "%s", action, rule, mark);
	else if (strcmp(action, "open") == 0)
		/* such a reason says itself that nothing was decided */
		table_add(t, "%s%s", member_text(s, "reason"), mark);
	else
		table_add(t, "%s %s%s", action, member_text(s, "reason"), mark);
}

/* Two rows when both addresses are too long for one. */
static void add_flow(struct table *t, const json_t *s)
{
	char client[80], server[80];
	char a[HUMAN_MAX], b[HUMAN_MAX];
	bool fits;

	print_end(client, sizeof client, member_text(s, "client"),
		  member_number(s, "client_port"));
	print_end(server, sizeof server, member_text(s, "server"),
		  member_number(s, "server_port"));
	fits = strlen(client) + strlen(server) < FLOW_WIDTH;
	table_add(t, "%-3s %s",
		  strcmp(member_text(s, "direction"), "egress") == 0 ? "out"
								     : "in",
		  member_text(s, "proto"));
	table_add(t, "%s → %s", client, fits ? server : "");
	table_add(t, "%s", tcp_progress(s));
	table_add(t, "%s/%s",
		  human_count(member_number(s, "client_packets"), a),
		  human_count(member_number(s, "server_packets"), b));
	table_add(t, "%s/%s", human_count(member_number(s, "client_bytes"), a),
		  human_count(member_number(s, "server_bytes"), b));
	add_verdict(t, s);
	table_add(t, "%s/%s", human_age(member_number(s, "age_s"), a),
		  human_age(member_number(s, "idle_s"), b));
	for (unsigned i = 0; !fits && i < t->cols; i++)
		table_add(t, "%s", i == 1 ? server : "");
}

void dpshow_flows(const struct out *o, const json_t *answer, int indent)
{
	static const char *const head[] = { "FLOW",    "CLIENT → SERVER",
					    "TCP",     "PACKETS",
					    "BYTES",   "VERDICT",
					    "AGE/IDLE" };
	static const struct dplist list = {
		"sessions",
		"no flows",
		head,
		sizeof head / sizeof *head,
		1u << 3 | 1u << 4 | 1u << 6,
		add_flow,
	};

	dplist_show(o, answer, &list, indent);
}

void dpshow_block_what(const json_t *b, char buf[static DPSHOW_SENTENCE_MAX])
{
	const char *proto = member_text(b, "proto");
	bool icmp = strncmp(proto, "icmp", 4) == 0;
	uint64_t port = member_number(b, "to_port");
	char to[80], n[HUMAN_MAX], type[40] = "";

	print_end(to, sizeof to, member_text(b, "to"), icmp ? 0 : port);
	if (icmp)
		(void)snprintf(type, sizeof type,
			       " (type %" PRIu64 " code %" PRIu64 ")",
			       port >> 8, port & 255);
	(void)snprintf(buf, DPSHOW_SENTENCE_MAX, "%s %s → %s%s, %s frame%s",
		       proto, member_text(b, "from"), to, type,
		       human_exact((json_int_t)member_number(b, "count"), n),
		       member_number(b, "count") == 1 ? "" : "s");
}

void dpshow_block_why(const json_t *b, char buf[static DPSHOW_SENTENCE_MAX])
{
	uint64_t rule = member_number(b, "rule");
	char threat[32] = "", version[80] = "";

	if (member_number(b, "threat") > 0)
		(void)snprintf(threat, sizeof threat, ", threat %" PRIu64,
			       member_number(b, "threat"));
	if (member_number(b, "policy_version") > 0)
		(void)snprintf(version, sizeof version,
			       "%s, policy version %" PRIu64, threat,
			       member_number(b, "policy_version"));
	else
		(void)snprintf(version, sizeof version, "%s", threat);
	if (rule > 0)
		(void)snprintf(buf, DPSHOW_SENTENCE_MAX,
			       "rule %" PRIu64 " says %s (reason: %s%s)", rule,
			       member_text(b, "action"),
			       member_text(b, "reason"), version);
	else
		(void)snprintf(buf, DPSHOW_SENTENCE_MAX, "%s (reason: %s%s)",
			       member_text(b, "text"), member_text(b, "reason"),
			       version);
}

void dpshow_blocks(const struct out *o, const json_t *answer, int indent)
{
	const json_t *blocks = json_object_get(answer, "blocks");
	char what[DPSHOW_SENTENCE_MAX], why[DPSHOW_SENTENCE_MAX];
	char first[HUMAN_MAX], last[HUMAN_MAX];
	const json_t *b;
	size_t i;

	if (json_array_size(blocks) == 0)
		printf("%*snothing was blocked lately\n", indent, "");
	json_array_foreach (blocks, i, b) {
		bool ingress = strcmp(member_text(b, "direction"), "ingress") ==
			       0;

		dpshow_block_what(b, what);
		dpshow_block_why(b, why);
		printf("%*s%s%s%s\n", indent, "", out_colour(o, OUT_BOLD), what,
		       out_colour(o, OUT_PLAIN));
		printf("%*s  %s workload %s, last %s ago, first %s ago\n",
		       indent, "", ingress ? "to" : "from",
		       member_text(b, "workload"),
		       human_age(member_number(b, "last_s_ago"), last),
		       human_age(member_number(b, "first_s_ago"), first));
		printf("%*s  because %s\n", indent, "", why);
	}
	if (member_number(answer, "no_workload") > 0)
		printf("%*s%" PRIu64
		       " frames were dropped that are of no workload "
		       "(no_endpoint):\n%*s  do the marks given by "
		       "ctrl_add_mac agree with `weir divert show`?\n",
		       indent, "", member_number(answer, "no_workload"), indent,
		       "");
}

/* --- any object ------------------------------------------------------- */

#define TREE_DEPTH_MAX 8 /* deeper is left out */
#define BAR_WIDTH      20

static void print_value(const json_t *v)
{
	char buf[HUMAN_MAX];
	char *dumped;

	if (json_is_string(v)) {
		printf("%s", json_string_value(v));
	} else if (json_is_integer(v)) {
		printf("%s", human_exact(json_integer_value(v), buf));
	} else {
		dumped = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);
		printf("%s", dumped ? dumped : "?");
		free(dumped);
	}
}

static bool keeps_newest(const json_t *table)
{
	return strcmp(member_text(table, "keeps"), "newest") == 0;
}

static double share_of(const json_t *table)
{
	uint64_t limit = member_number(table, "limit");

	return limit ? (double)member_number(table, "in_use") / (double)limit
		     : 0;
}

enum out_colour dpshow_bar_colour(const json_t *table)
{
	double share = share_of(table);

	if (share <= 0.7 || keeps_newest(table))
		return OUT_GREEN;
	return share > 0.9 ? OUT_RED : OUT_YELLOW;
}

static void print_bar(const struct out *o, const json_t *table)
{
	double share = share_of(table);
	int full = (int)(share * BAR_WIDTH + 0.5);
	char a[HUMAN_MAX], b[HUMAN_MAX];

	printf("%s", out_colour(o, dpshow_bar_colour(table)));
	for (int i = 0; i < BAR_WIDTH; i++)
		printf("%s", i < full ? "█" : "░");
	printf("%s %s of %s (%.0f %%)%s", out_colour(o, OUT_PLAIN),
	       human_exact((int64_t)member_number(table, "in_use"), a),
	       human_exact((int64_t)member_number(table, "limit"), b),
	       100 * share, keeps_newest(table) ? ", the newest are kept" : "");
}

/* Does it tell of nothing that happened? Bars tell of room, also when empty. */
/* NOLINTNEXTLINE(misc-no-recursion) */
static bool is_nothing(const json_t *v, unsigned depth)
{
	const char *name;
	json_t *member;

	if (json_is_array(v))
		return json_array_size(v) == 0;
	if (!json_is_object(v))
		return json_is_integer(v) && json_integer_value(v) == 0;
	if (json_object_get(v, "limit") || depth >= TREE_DEPTH_MAX)
		return false;
	json_object_foreach ((json_t *)(uintptr_t)v, name, member)
		if (!is_nothing(member, depth + 1))
			return false;
	return true;
}

static bool is_hidden(const char *name, const json_t *obj, unsigned depth,
		      bool all)
{
	if (!all && is_nothing(json_object_get(obj, name), depth))
		return true;
	if (depth == 0)
		return strcmp(name, "id") == 0 || strcmp(name, "ok") == 0;
	return json_object_get(obj, "in_use") &&
	       json_object_get(obj, "limit") &&
	       (strcmp(name, "in_use") == 0 || strcmp(name, "limit") == 0 ||
		strcmp(name, "keeps") == 0);
}

static int name_width(const json_t *obj, unsigned depth, bool all)
{
	const char *name;
	json_t *v;
	int max = 0;

	json_object_foreach ((json_t *)(uintptr_t)obj, name, v)
		if (!is_hidden(name, obj, depth, all) &&
		    (int)strlen(name) > max)
			max = (int)strlen(name);
	return max;
}

/* The name, and behind it what there is to be said on the same line. */
static void show_member(const struct out *o, const char *name, const json_t *v,
			int indent, int pad)
{
	bool nested = json_is_object(v);
	bool bar = nested && json_object_get(v, "limit");

	printf("%*s%s%s%s", indent, "", nested ? out_colour(o, OUT_BOLD) : "",
	       name, nested ? out_colour(o, OUT_PLAIN) : "");
	if (!nested || bar || json_object_size(v) == 0)
		printf("%*s", pad - (int)strlen(name) + 2, "");
	if (bar)
		print_bar(o, v);
	else if (!nested)
		print_value(v);
	else if (json_object_size(v) == 0)
		printf("-");
	printf("\n");
}

/*
 * A list of objects as one with members "0", "1", ..., so that it is shown as
 * such; the caller's. NULL: v is something else, or out of memory.
 */
static json_t *numbered(const json_t *v)
{
	json_t *o = json_is_object(json_array_get(v, 0)) ? json_object() : NULL;
	size_t i;
	json_t *element;

	json_array_foreach (v, i, element) {
		char name[24];

		(void)snprintf(name, sizeof name, "%zu", i);
		/* one that there is no memory for is missing */
		(void)json_object_set(o, name, element);
	}
	return o;
}

/* Ends at TREE_DEPTH_MAX, whatever the data plane sends. */
/* NOLINTNEXTLINE(misc-no-recursion) */
static void show_members(const struct out *o, const json_t *obj, unsigned depth,
			 bool all)
{
	int pad = name_width(obj, depth, all);
	const char *name;
	json_t *v;

	json_object_foreach ((json_t *)(uintptr_t)obj, name, v) {
		json_t *list = numbered(v);
		const json_t *shown = list ? list : v;

		if (!is_hidden(name, obj, depth, all)) {
			show_member(o, name, shown, (int)(2 * depth), pad);
			if (json_is_object(shown) && depth < TREE_DEPTH_MAX)
				show_members(o, shown, depth + 1, all);
		}
		json_decref(list);
	}
}

void dpshow_tree(const struct out *o, const json_t *answer, bool all)
{
	show_members(o, answer, 0, all);
}
