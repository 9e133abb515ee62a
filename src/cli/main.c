/*
 * weir: finds the subcommand and gives it the rest of the command line.
 */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

static int cmd_version(int argc, char **argv);
static int cmd_help(int argc, char **argv);

static const struct cli_command commands[] = {
	{ "capture", "show or write a workload's frames, each with its verdict",
	  cmd_capture },
	{ "demo", "play the whole story: divert a container, judge its traffic",
	  cmd_demo },
	{ "dp", "talk to a running data plane: flows, blocks, stats, messages",
	  cmd_dp },
	{ "divert", "divert a workload's port in place, at its host-side end",
	  cmd_divert },
	{ "mode", "switch what is done with a diverted port's frames",
	  cmd_mode },
	{ "release", "end a port's diversion", cmd_release },
	{ "splice", "divert a workload's port through an agent namespace",
	  cmd_splice },
	{ "version", "print the version", cmd_version },
	{ "help", "this text", cmd_help },
};

static int cmd_version(int argc, char **argv)
{
	puts("weir " WEIR_VERSION);
	return CLI_OK;
}

static int cmd_help(int argc, char **argv)
{
	puts("Usage: weir COMMAND ...\n\nCommands:");
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		printf("  %-8s  %s\n", commands[i].name, commands[i].summary);
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

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? alias_of(argv[1]) : NULL;
	int status = CLI_USAGE;

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
