/*
 * weir policy learned, accept, reject, candidate, history, rollback: from what
 * was seen to what is wanted, and back.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/agent_policy.h"
#include "cli/agentcmd.h"
#include "cli/human.h"
#include "cli/table.h"
#include "wire/member.h"

static uint64_t age_of(uint64_t at_s)
{
	uint64_t now = (uint64_t)time(NULL);

	return now > at_s ? now - at_s : 0;
}

/* --- proposals ------------------------------------------------------------------ */

/* "a, b and 3 more" */
static void add_nodes(struct table *t, const json_t *seen)
{
	const json_t *nodes = json_object_get(seen, "nodes"), *v;
	uint64_t more = member_number(seen, "more_nodes");
	json_t *names = json_array();
	char buf[96], text[40] = "";
	size_t i;

	json_array_foreach (nodes, i, v)
		(void)json_array_append(names, json_object_get(v, "node"));
	if (more)
		(void)snprintf(text, sizeof text, " and %llu more",
			       (unsigned long long)more);
	table_add(t, "%s%s", agent_words(names, buf, sizeof buf), text);
	json_decref(names);
}

static void add_proposal(struct table *t, const json_t *p, bool nodes)
{
	const json_t *rule = json_object_get(p, "rule");
	const json_t *seen = json_object_get(p, "provenance");
	char buf[96], first[HUMAN_MAX], last[HUMAN_MAX];

	table_add(t, "%s%s", member_text(p, "id"),
		  json_object_get(p, "rejected") ? " (rejected)" : "");
	table_add(t, "%s",
		  agent_words(json_object_get(rule, "from"), buf, sizeof buf));
	table_add(t, "%s",
		  agent_words(json_object_get(rule, "to"), buf, sizeof buf));
	table_add(t, "%s",
		  agent_words(json_object_get(rule, "ports"), buf, sizeof buf));
	table_add(t, "%s",
		  agent_words(json_object_get(rule, "applications"), buf,
			      sizeof buf));
	table_add(t, "%llu",
		  (unsigned long long)member_number(seen, "sessions"));
	table_add(t, "%s ago",
		  human_age(age_of(member_number(seen, "first_seen")), first));
	table_add(t, "%s ago",
		  human_age(age_of(member_number(seen, "last_seen")), last));
	if (nodes)
		add_nodes(t, seen);
}

/* Of whom it is, in a fleet: what is not as one would think. */
static void print_of(const json_t *fleet)
{
	static const struct {
		const char *member, *text;
	} left_out[] = {
		{ "dropped", "that other nodes told are no proposals" },
		{ "refused", "of other nodes are more than there is room for" },
		{ "untold", "are more than their nodes tell" },
		{ "left", "are more than are shown" },
	};
	const char *alone = member_text(fleet, "alone");

	if (alone[0])
		printf("this is what this node has learned, not what others "
		       "have: %s\n",
		       alone);
	for (size_t i = 0; i < sizeof left_out / sizeof *left_out; i++)
		if (member_number(fleet, left_out[i].member))
			printf("%llu %s\n",
			       (unsigned long long)member_number(
				       fleet, left_out[i].member),
			       left_out[i].text);
}

static int print_learned(const struct out *o, const json_t *a)
{
	static const char *const head[] = { "ID",    "FROM",	     "TO",
					    "PORTS", "APPLICATIONS", "SESSIONS",
					    "FIRST", "LAST",	     "NODES" };
	const json_t *p, *list = json_object_get(a, "proposals");
	const json_t *fleet = json_object_get(a, "fleet");
	bool nodes = fleet && !json_object_get(fleet, "alone");
	unsigned columns = nodes ? 9 : 8;
	struct table t;
	size_t i;

	if (json_array_size(list) == 0) {
		puts("nothing is proposed: all that was seen is allowed by "
		     "rules, or turned down");
		print_of(fleet);
		return CLI_OK;
	}
	table_init(&t, columns, 1u << 5);
	for (i = 0; i < columns; i++)
		table_add(&t, "%s", head[i]);
	json_array_foreach (list, i, p)
		add_proposal(&t, p, nodes);
	table_print(&t, 0, out_colour(o, OUT_BOLD), out_colour(o, OUT_PLAIN));
	table_done(&t);
	print_of(fleet);
	puts("weir policy accept ID... | --all; weir policy reject ID...");
	return CLI_OK;
}

static const struct agent_option learned_options[] = {
	{ "since", 0, AGENT_AGO, "since" },
	{ "all", 'a', AGENT_FLAG, "all" },
	{ NULL, 0, AGENT_FLAG, NULL },
};

static const struct agent_cmd learned_cmd = {
	.name = "policy learned",
	.help = "Usage: weir policy learned [--since 7d] [--all] [-o "
		"text|json|yaml]\n\n"
		"Rules that would allow what was seen of workloads in mode "
		"discover and no\nrule speaks of yet. -o json also tells which "
		"workloads it was. --all: those\nthat were turned down, too. "
		"In a fleet, on an editor: what all nodes have seen.\n",
	.command = "learned",
	.pages = "proposals",
	.options = learned_options,
	.print = print_learned,
};

static int prepare_ids(json_t *args, struct err *reterr)
{
	if (!json_object_get(args, "ids") && !json_object_get(args, "all"))
		return err_set(reterr, EINVAL, NULL,
			       "say which, by their ids, or --all");
	return 0;
}

static const struct agent_option accept_options[] = {
	{ "since", 0, AGENT_AGO, "since" },
	{ "all", 'a', AGENT_FLAG, "all" },
	{ "no-wait", 0, AGENT_UNFLAG, "wait" },
	{ NULL, 0, AGENT_FLAG, NULL },
};

static int print_accepted(const struct out *o, const json_t *a)
{
	size_t n = json_array_size(json_object_get(a, "rules"));

	printf("%zu rule%s, ", n, n == 1 ? "" : "s");
	return agent_print_changed(o, a);
}

static const struct agent_cmd accept_cmd = {
	.name = "policy accept",
	.help = "Usage: weir policy accept ID... | --all\n\n"
		"Makes rules of what weir policy learned proposes.\n",
	.command = "accept",
	.options = accept_options,
	.words = "ids*",
	.prepare = prepare_ids,
	.print = print_accepted,
};

static const struct agent_option reject_options[] = {
	{ "since", 0, AGENT_AGO, "since" },
	{ "all", 'a', AGENT_FLAG, "all" },
	{ "undo", 0, AGENT_FLAG, "undo" },
	{ NULL, 0, AGENT_FLAG, NULL },
};

static const struct agent_cmd reject_cmd = {
	.name = "policy reject",
	.help = "Usage: weir policy reject ID... | --all [--undo]\n\n"
		"These are proposed no more, whatever else is seen of them. "
		"In a fleet, on an\neditor: to no editor.\n",
	.command = "reject",
	.options = reject_options,
	.words = "ids*",
	.prepare = prepare_ids,
};

/* --- another policy ---------------------------------------------------------------- */

static void add_row(struct table *t, const json_t *r)
{
	const char *app = member_text(r, "app");

	table_add(t, "%s", member_text(r, "from"));
	table_add(t, "%s", member_text(r, "to"));
	table_add(t, "%s", member_text(r, "port"));
	table_add(t, "%s", app[0] ? app : "-");
	table_add(t, "%llu", (unsigned long long)member_number(r, "sessions"));
	table_add(t, "%s", member_text(r, "was"));
	table_add(t, "%s", member_text(r, "is"));
	if (member_number(r, "rule"))
		table_add(t, "rule %llu",
			  (unsigned long long)member_number(r, "rule"));
	else
		table_add(t, "no rule, mode of the %s", member_text(r, "side"));
}

int agent_print_compared(const struct out *o, const json_t *a)
{
	static const char *const head[] = { "CLIENT",	"SERVER",   "PORT",
					    "APP",	"SESSIONS", "WAS",
					    "WOULD BE", "BY" };
	const json_t *r, *c = json_object_get(a, "compared");
	const json_t *rows = json_object_get(c, "rows");
	struct table t;
	size_t i;

	printf("recorded conversations: %llu (sessions: %llu); would be "
	       "treated otherwise: %s%llu%s\n",
	       (unsigned long long)member_number(a, "conversations"),
	       (unsigned long long)member_number(c, "sessions"),
	       out_colour(o, member_number(c, "differ") ? OUT_RED : OUT_GREEN),
	       (unsigned long long)member_number(c, "differ"),
	       out_colour(o, OUT_PLAIN));
	if (json_is_true(json_object_get(a, "cut")))
		puts("there were more: ask for a shorter time (--since)");
	if (json_array_size(rows) == 0)
		return CLI_OK;
	table_init(&t, 8, 1u << 4);
	for (i = 0; i < 8; i++)
		table_add(&t, "%s", head[i]);
	json_array_foreach (rows, i, r)
		add_row(&t, r);
	table_print(&t, 0, out_colour(o, OUT_BOLD), out_colour(o, OUT_PLAIN));
	table_done(&t);
	return CLI_OK;
}

static int print_candidate(const struct out *o, const json_t *a)
{
	char age[HUMAN_MAX];
	int rc;

	if (json_object_get(a, "revision"))
		return agent_print_changed(o, a);
	if (!json_object_get(a, "compared")) {
		puts("done");
		return CLI_OK;
	}
	puts("the candidate differs from the policy by");
	agent_print_diff(o, json_object_get(a, "diff"));
	printf("since %s ago: ",
	       human_age(age_of(member_number(a, "since")), age));
	rc = agent_print_compared(o, a);
	if (member_number(a, "untold"))
		printf("and %llu more connections differ than there were "
		       "events of\n",
		       (unsigned long long)member_number(a, "untold"));
	return rc;
}

static int prepare_candidate(json_t *args, struct err *reterr)
{
	return json_object_get(args, "file") ? agent_prepare_file(args, reterr)
					     : 0;
}

static const struct agent_option candidate_options[] = {
	{ "file", 'f', AGENT_TEXT, "file" },
	{ "off", 0, AGENT_FLAG, "off" },
	{ "promote", 0, AGENT_FLAG, "promote" },
	{ "since", 0, AGENT_AGO, "since" },
	{ NULL, 0, AGENT_FLAG, NULL },
};

static const struct agent_cmd candidate_cmd = {
	.name = "policy candidate",
	.help = "Usage: weir policy candidate -f FILE     sets it\n"
		"       weir policy candidate [--since 7d] what would differ\n"
		"       weir policy candidate --promote    makes it the "
		"policy\n"
		"       weir policy candidate --off        forgets it\n\n"
		"A candidate runs beside the policy: it blocks nothing, but "
		"what "
		"it would do\notherwise is an event, and summed up here.\n",
	.command = "candidate",
	.options = candidate_options,
	.prepare = prepare_candidate,
	.print = print_candidate,
};

/* --- what it was -------------------------------------------------------------------- */

/* Older revisions do not say. */
static const char *word_of(const json_t *o, const char *member,
			   const char *otherwise)
{
	const char *word = member_text(o, member);

	return word[0] ? word : otherwise;
}

static int print_history(const struct out *o, const json_t *a)
{
	const json_t *r, *list = json_object_get(a, "revisions");
	char age[HUMAN_MAX];
	struct table t;
	size_t i;

	if (json_array_size(list) == 0) {
		puts("nothing was changed yet");
		return CLI_OK;
	}
	table_init(&t, 5, 1u << 0 | 1u << 2);
	table_add(&t, "REVISION");
	table_add(&t, "SAVED");
	table_add(&t, "BYTES");
	table_add(&t, "BY");
	table_add(&t, "WHAT");
	json_array_foreach (list, i, r) {
		table_add(&t, "%llu",
			  (unsigned long long)member_number(r, "revision"));
		table_add(&t, "%s ago",
			  human_age(age_of(member_number(r, "saved")), age));
		table_add(&t, "%llu",
			  (unsigned long long)member_number(r, "bytes"));
		table_add(&t, "%s", word_of(r, "by", word_of(r, "who", "-")));
		table_add(&t, "%s", word_of(r, "what", "-"));
	}
	table_print(&t, 0, out_colour(o, OUT_BOLD), out_colour(o, OUT_PLAIN));
	table_done(&t);
	return CLI_OK;
}

static const struct agent_cmd history_cmd = {
	.name = "policy history",
	.help = "Usage: weir policy history\n\n"
		"Revisions that weir policy rollback can go back to: who made "
		"each, and what\nwas done.\n",
	.command = "history",
	.print = print_history,
};

static const struct agent_option rollback_options[] = {
	{ "to", 0, AGENT_NUMBER, "to" },
	{ "no-wait", 0, AGENT_UNFLAG, "wait" },
	{ NULL, 0, AGENT_FLAG, NULL },
};

static const struct agent_cmd rollback_cmd = {
	.name = "policy rollback",
	.help = "Usage: weir policy rollback --to REVISION\n\n"
		"Makes the policy what it was, as a new revision.\n",
	.command = "rollback",
	.options = rollback_options,
	.print = agent_print_changed,
};

int cmd_policy_learned(int argc, char **argv)
{
	return agent_cmd_run(&learned_cmd, argc, argv);
}

int cmd_policy_accept(int argc, char **argv)
{
	return agent_cmd_run(&accept_cmd, argc, argv);
}

int cmd_policy_reject(int argc, char **argv)
{
	return agent_cmd_run(&reject_cmd, argc, argv);
}

int cmd_policy_candidate(int argc, char **argv)
{
	return agent_cmd_run(&candidate_cmd, argc, argv);
}

int cmd_policy_history(int argc, char **argv)
{
	return agent_cmd_run(&history_cmd, argc, argv);
}

int cmd_policy_rollback(int argc, char **argv)
{
	return agent_cmd_run(&rollback_cmd, argc, argv);
}
