/*
 * weir fleet status and forget: the fleet as this host's agent knows it.
 */
#include <time.h>

#include "cli/agentcmd.h"
#include "cli/fleet.h"
#include "cli/human.h"
#include "cli/table.h"
#include "fleet/cert.h"
#include "wire/member.h"

static bool is(const json_t *o, const char *member)
{
	return json_is_true(json_object_get(o, member));
}

static const char *age_of(const json_t *o, const char *member, char *buf)
{
	uint64_t since = member_number(o, member), now = (uint64_t)time(NULL);

	return human_age(now > since ? now - since : 0, buf);
}

/* That this node's ends soon, or has; else nothing. */
static void print_certificate(const struct out *o, const json_t *f)
{
	int64_t end = (int64_t)member_number(f, "certificate_ends");
	char words[FLEET_CERT_WORDS_MAX];
	enum fleet_cert_state state =
		fleet_cert_words(end, (int64_t)time(NULL), words);

	if (end == 0 || state == FLEET_CERT_HOLDS)
		return;
	printf("certificate  %s%s%s: weir fleet init DIR --renew %s makes "
	       "another one\n",
	       out_colour(o, state == FLEET_CERT_ENDED ? OUT_RED : OUT_YELLOW),
	       words, out_colour(o, OUT_PLAIN), member_text(f, "node"));
}

/* "revision 7, in force", or what is amiss. */
static void print_own(const struct out *o, const json_t *f)
{
	char age[HUMAN_MAX];
	bool up = is(f, "up");
	const char *learned =
		member_text(json_object_get(f, "learned"), "text");

	printf("fleet %s, this is node %s: %s%s%s %s", member_text(f, "name"),
	       member_text(f, "node"),
	       out_colour(o, up ? OUT_GREEN : OUT_YELLOW),
	       up ? "connected" : "cut off", out_colour(o, OUT_PLAIN),
	       age_of(f, "since", age));
	if (!up)
		printf("  (%s)", member_text(f, "text"));
	if (!member_number(f, "revision") && !up)
		printf("\npolicy  not heard of since the agent began; what was "
		       "in force here is");
	else if (!member_number(f, "revision"))
		printf("\npolicy  none yet; the first change makes this node's "
		       "the fleet's");
	else
		printf("\npolicy  revision %llu, %s",
		       (unsigned long long)member_number(f, "revision"),
		       is(f, "in_force") ? "in force here"
					 : "not in force here");
	if (member_text(f, "refused")[0])
		printf(": %s%s%s", out_colour(o, OUT_RED),
		       member_text(f, "refused"), out_colour(o, OUT_PLAIN));
	if (learned[0])
		printf("\nlearned %s", learned);
	if (member_text(f, "nodes_text")[0])
		printf("\nnodes   as they were when they were asked last: %s",
		       member_text(f, "nodes_text"));
	puts("");
	print_certificate(o, f);
	puts("");
}

static const char *state_of(const json_t *node, uint64_t revision)
{
	if (is(node, "silent"))
		return "silent";
	if (!json_object_get(node, "plane_up"))
		return "not known";
	if (member_text(node, "refused")[0])
		return "refused";
	if (!is(node, "plane_up"))
		return "no data plane";
	if (revision == 0 && member_number(node, "revision") == 0)
		return "no policy";
	if (member_number(node, "revision") != revision ||
	    !is(node, "in_force"))
		return "behind";
	return "in force";
}

static int print_status(const struct out *o, const json_t *a)
{
	const json_t *f = json_object_get(a, "fleet"), *node;
	uint64_t revision = member_number(f, "revision");
	char age[HUMAN_MAX];
	struct table t;
	size_t i;

	print_own(o, f);
	table_init(&t, 6, 0);
	table_add(&t, "NODE");
	table_add(&t, "STATE");
	table_add(&t, "REVISION");
	table_add(&t, "WORKLOADS");
	table_add(&t, "HEARD");
	table_add(&t, "VERSION");
	json_array_foreach (json_object_get(a, "nodes"), i, node) {
		table_add(&t, "%s", member_text(node, "node"));
		table_add(&t, "%s", state_of(node, revision));
		table_add(&t, "%llu",
			  (unsigned long long)member_number(node, "revision"));
		table_add(&t, "%llu",
			  (unsigned long long)member_number(node, "workloads"));
		if (member_number(node, "seen"))
			table_add(&t, "%s ago", age_of(node, "seen", age));
		else
			table_add(&t, "-"); /* since the agent began */
		table_add(&t, "%s", member_text(node, "weir"));
	}
	table_print(&t, 0, out_colour(o, OUT_BOLD), out_colour(o, OUT_PLAIN));
	table_done(&t);
	return CLI_OK;
}

static int print_forgotten(const struct out *o, const json_t *a)
{
	puts("forgotten; its workloads are no peers any more");
	return CLI_OK;
}

int fleet_status(int argc, char **argv)
{
	static const struct agent_cmd cmd = {
		.name = "fleet status",
		.help = "Usage: weir fleet status [-o text|json|yaml]\n\n"
			"Is this host connected to its fleet, which revision "
			"of "
			"the fleet's policy is in\nforce here, and of the "
			"other "
			"nodes:\n\n"
			"  in force       as here\n"
			"  no policy      the fleet has none yet\n"
			"  behind         another revision, or not in force "
			"yet\n"
			"  refused        it could not take the policy; -o "
			"json "
			"says why\n"
			"  no data plane  its weir-dp does not run\n"
			"  not known      it has not said how it is, or could "
			"not be asked\n"
			"  silent         it has not been heard of for a "
			"while\n",
		.command = "fleet",
		.print = print_status,
	};

	return agent_cmd_run(&cmd, argc, argv);
}

int fleet_forget_node(int argc, char **argv)
{
	static const struct agent_cmd cmd = {
		.name = "fleet forget",
		.help = "Usage: weir fleet forget NODE\n\n"
			"That node is gone for good: who ran there is no peer "
			"of "
			"rules any more. A node\nthat is only cut off is not "
			"forgotten, for its workloads run on. One that is\n"
			"forgotten and comes back is a node again. Needs an "
			"editor's certificate.\n",
		.command = "fleet-forget",
		.words = "node",
		.print = print_forgotten,
	};

	return agent_cmd_run(&cmd, argc, argv);
}
