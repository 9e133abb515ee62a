/*
 * weir: finds the subcommand and gives it the rest of the command line.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

static int cmd_version(int argc, char **argv);
static int cmd_help(int argc, char **argv);

static const struct cli_command commands[] = {
	{ "status", "is everything as it should be", cmd_status },
	{ "ls", "workloads, their modes and states", cmd_ls },
	{ "doctor", "what this host allows, and what is missing", cmd_doctor },
	{ "top", "a live view of what goes on", cmd_top },
	{ "show", "all that is known of one workload", cmd_show },
	{ "mode",
	  "discover, monitor or protect a group (or: set a port's mode)",
	  cmd_mode },
	{ "group", "groups of workloads: list, set, delete", cmd_group,
	  "list set delete" },
	{ "policy", "rules: list, add, delete; learned ones; what it was",
	  cmd_policy,
	  "list add delete learned accept reject candidate history rollback" },
	{ "apply", "make the policy what a file says", cmd_apply },
	{ "diff", "what apply would change", cmd_diff },
	{ "export", "the policy as YAML; or how weir-export is", cmd_export,
	  "status" },
	{ "import", "another firewall's policy as Weir's", cmd_import,
	  "neuvector networkpolicy" },
	{ "fleet", "many hosts with one policy: set up, how it is", cmd_fleet,
	  "init status forget" },
	{ "flows", "who spoke with whom", cmd_flows, "kill" },
	{ "events", "violations, threats, and what became of Weir",
	  cmd_events },
	{ "response",
	  "what is done when an event is told: list, add, delete, "
	  "log",
	  cmd_response, "list add delete log" },
	{ "explain", "may this connection be, and which rule says so",
	  cmd_explain },
	{ "quarantine", "cut a workload off, or end that", cmd_quarantine },
	{ "divert", "divert a workload (or a port, without an agent)",
	  cmd_divert },
	{ "release", "give traffic back to the kernel alone", cmd_release },
	{ "hook", "guard a container before it starts, for runtimes", cmd_hook,
	  "oci cni netns" },
	{ "capture", "show or write a workload's frames, each with its verdict",
	  cmd_capture, "start stop list get delete" },
	{ "upgrade", "another data plane in place of the one that runs",
	  cmd_upgrade },
	{ "demo", "play the whole story: two containers, learned, protected",
	  cmd_demo, "splice" },
	{ "rules", "files of signatures: check, list, try, load", cmd_rules,
	  "check list test load unload status" },
	{ "dp", "talk to a running data plane: flows, blocks, stats, messages",
	  cmd_dp,
	  "flows blocks connections threats findings meters stats config count "
	  "clear "
	  "settings version explain" },
	{ "splice", "divert a workload's port through an agent namespace",
	  cmd_splice, "up down show mode" },
	{ "completion", "print the completion script of a shell",
	  cmd_completion, "bash zsh" },
	{ "version", "print the version", cmd_version },
	{ "help", "this text", cmd_help },
};

const struct cli_command *cli_commands(size_t *ret_n)
{
	*ret_n = sizeof commands / sizeof *commands;
	return commands;
}

static int cmd_version(int argc, char **argv)
{
	puts("weir " WEIR_VERSION);
	return CLI_OK;
}

static int cmd_help(int argc, char **argv)
{
	puts("Usage: weir COMMAND ...\n\nCommands:");
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		printf("  %-10s  %s\n", commands[i].name, commands[i].summary);
	puts("\n`weir COMMAND --help` tells more, with examples.\n"
	     "Exit codes: 0 done, 1 could not be done, 2 not understood.");
	return CLI_OK;
}

/* "--help" and the like where a command is expected. */
static const char *alias_of(const char *name)
{
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		return "help";
	if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0)
		return "version";
	return name;
}

/* A link of that name is how a CNI chain calls `weir hook cni`. */
static bool is_cni_plugin(const char *path)
{
	const char *slash = strrchr(path, '/');

	return strcmp(slash ? slash + 1 : path, "weir-cni") == 0;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? alias_of(argv[1]) : NULL;
	int status = CLI_USAGE;

	if (is_cni_plugin(argv[0]))
		return cmd_hook(
			2, (char *[]){ (char *)"hook", (char *)"cni", NULL });
	if (!name) {
		fputs("weir: no command; see: weir help\n", stderr);
		return CLI_USAGE;
	}
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
		if (strcmp(commands[i].name, name) != 0)
			continue;
		status = commands[i].run(argc - 1, argv + 1);
		/* output that nobody got is a failure */
		if (fflush(stdout) != 0 && status == CLI_OK)
			status = CLI_FAILED;
		return status;
	}
	fprintf(stderr, "weir: no command \"%s\"; see: weir help\n", name);
	return CLI_USAGE;
}
