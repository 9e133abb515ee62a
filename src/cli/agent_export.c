/*
 * weir export: the policy as a file.
 */
#include <stdio.h>

#include "cli/agentcmd.h"
#include "cli/export_status.h"
#include "wire/member.h"

static int print_export(const struct out *o, const json_t *a)
{
	const json_t *one;
	size_t n;

	fputs(member_text(a, "text"), stdout);
	json_array_foreach (json_object_get(a, "not_said"), n, one) {
		const char *group = member_text(one, "group");

		if (group[0])
			fprintf(stderr, "not said: %s: %s\n", group,
				member_text(one, "why"));
		else
			fprintf(stderr, "not said: rule %lld: %s\n",
				(long long)json_integer_value(
					json_object_get(one, "rule")),
				member_text(one, "why"));
	}
	return CLI_OK;
}

static const struct agent_option export_options[] = {
	{ "format", 0, AGENT_TEXT, "format" },
	{ NULL, 0, AGENT_FLAG, NULL },
};

static const struct agent_cmd export_cmd = {
	.name = "export",
	.help = "Usage: weir export [--format weir|networkpolicy] > FILE\n"
		"       weir export status\n\n"
		"The policy as YAML, for weir apply; or what of it can be said "
		"as Kubernetes'\nNetworkPolicies, for kubectl apply, and to "
		"stderr what cannot. status: how the\noutputs of weir-export "
		"are.\n",
	.command = "export",
	.options = export_options,
	.print = print_export,
	.verbatim = true,
};

int cmd_export_policy(int argc, char **argv)
{
	return agent_cmd_run(&export_cmd, argc, argv);
}
