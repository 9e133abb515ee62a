/*
 * weir upgrade: another weir-dp in place of the one that runs, while connections
 * go on.
 */
#include <stdio.h>

#include "cli/agentcmd.h"
#include "cli/cli.h"
#include "wire/member.h"

static void print_one(const char *whose, const json_t *to)
{
	unsigned long long us = member_number(to, "stalled_us");

	if (!to)
		return;
	printf("%s: handed over to pid %llu, version %s; frames waited for "
	       "%llu.%llu ms\n",
	       whose, (unsigned long long)member_number(to, "pid"),
	       member_text(to, "version"), us / 1000, us % 1000 / 100);
}

static int print_upgraded(const struct out *o, const json_t *a)
{
	const json_t *before = json_object_get(a, "before");

	if (!json_is_true(json_object_get(a, "handed_over"))) {
		printf("nothing to do: the data plane is of version %s "
		       "already (--test: all the same)\n",
		       member_text(before, "version"));
		return 0;
	}
	print_one("data plane", json_object_get(a, "data_plane"));
	print_one("data plane of splices", json_object_get(a, "splices"));
	return 0;
}

static const struct agent_option options[] = {
	{ "test", 0, AGENT_FLAG, "test" },
	{ NULL, 0, AGENT_FLAG, NULL },
};

static const struct agent_cmd upgrade_cmd = {
	.name = "upgrade",
	.help = "Usage: weir upgrade [--test]\n"
		"\n"
		"Starts the weir-dp that is installed, and has the one that "
		"runs hand over to it:\n"
		"flows, what is half inspected, interfaces and records. "
		"Connections go on, no\n"
		"frame passes uninspected, and none is lost. When that cannot "
		"be, the one that\n"
		"runs goes on. An agent that was upgraded does this by "
		"itself.\n"
		"\n"
		"  --test  also when the version is the same: shows that it "
		"works here\n",
	.command = "upgrade",
	.options = options,
	.print = print_upgraded,
};

int cmd_upgrade(int argc, char **argv)
{
	return agent_cmd_run(&upgrade_cmd, argc, argv);
}
