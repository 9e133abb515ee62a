/*
 * weir capture start, stop, list, get, delete: captures that the agent makes.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/agentcmd.h"
#include "cli/human.h"
#include "cli/table.h"
#include "wire/member.h"

/* --- capture start, stop, delete ----------------------------------------------- */

static const struct agent_option start_options[] = {
	{ "seconds", 0, AGENT_NUMBER, "seconds" },
	{ "bytes", 0, AGENT_NUMBER, "bytes" },
	{ NULL, 0, AGENT_FLAG, NULL },
};

/* The words of the filter as one text. */
static int join_filter(json_t *args, struct err *reterr)
{
	const json_t *words = json_object_get(args, "filter"), *w;
	char text[1024] = "";
	size_t i, len = 0;

	if (!json_is_array(words))
		return 0;
	json_array_foreach (words, i, w) {
		int n = snprintf(text + len, sizeof text - len, "%s%s",
				 i ? " " : "", json_string_value(w));

		if ((size_t)n >= sizeof text - len)
			return err_set(reterr, EINVAL, "FILTER",
				       "at most %zu bytes", sizeof text - 1);
		len += (size_t)n;
	}
	(void)json_object_set_new(args, "filter", json_string(text));
	return 0;
}

static int print_started(const struct out *o, const json_t *a)
{
	printf("capture %llu is running; weir capture get %llu -w FILE\n",
	       (unsigned long long)member_number(a, "capture"),
	       (unsigned long long)member_number(a, "capture"));
	return CLI_OK;
}

static const struct agent_cmd start_cmd = {
	.name = "capture start",
	.help = "Usage: weir capture start [--seconds N] [--bytes N] NAME "
		"[FILTER]...\n"
		"\n"
		"The agent captures a workload's frames, each with its "
		"verdict, "
		"into a\n"
		"file of its own, and goes on when this command has ended.\n"
		"\n"
		"  --seconds N  end after N seconds (60, at most 3600)\n"
		"  --bytes N    end when the file has N bytes (64 MiB, at most "
		"1 GiB)\n"
		"\n"
		"FILTER is what pcap-filter(7) says; -- goes before one that "
		"begins with -.\n",
	.command = "capture-start",
	.options = start_options,
	.words = "workload filter*",
	.prepare = join_filter,
	.print = print_started,
};

static int id_of(json_t *args, struct err *reterr)
{
	const char *text = json_string_value(json_object_get(args, "id"));
	char *end;
	long long v;

	errno = 0;
	v = strtoll(text ? text : "", &end, 10);
	if (!text || !text[0] || *end || errno || v < 1)
		return err_set(reterr, EINVAL, "ID",
			       "expected a number; weir capture list shows "
			       "them");
	(void)json_object_set_new(args, "id", json_integer(v));
	return 0;
}

static int print_nothing(const struct out *o, const json_t *a)
{
	return CLI_OK;
}

static const struct agent_cmd stop_cmd = {
	.name = "capture stop",
	.help = "Usage: weir capture stop ID\n"
		"\n"
		"Ends a capture of the agent's; what it has stays.\n",
	.command = "capture-stop",
	.words = "id",
	.prepare = id_of,
	.print = print_nothing,
};

static const struct agent_cmd delete_cmd = {
	.name = "capture delete",
	.help = "Usage: weir capture delete ID\n"
		"\n"
		"Removes a capture of the agent's, also one that runs.\n",
	.command = "capture-delete",
	.words = "id",
	.prepare = id_of,
	.print = print_nothing,
};

/* --- capture list -------------------------------------------------------------------- */

static int print_captures(const struct out *o, const json_t *a)
{
	const json_t *c, *list = json_object_get(a, "captures");
	char bytes[HUMAN_MAX];
	struct table t;
	size_t i;

	if (json_array_size(list) == 0) {
		puts("there are no captures");
		return CLI_OK;
	}
	table_init(&t, 7, 1u << 0 | 1u << 3 | 1u << 4 | 1u << 5);
	table_add(&t, "ID");
	table_add(&t, "WORKLOAD");
	table_add(&t, "STATE");
	table_add(&t, "FRAMES");
	table_add(&t, "LOST");
	table_add(&t, "BYTES");
	table_add(&t, "FILTER");
	json_array_foreach (list, i, c) {
		const char *why = member_text(c, "why");

		table_add(&t, "%llu",
			  (unsigned long long)member_number(c, "id"));
		table_add(&t, "%s", member_text(c, "name"));
		table_add(&t, "%s%s%s", member_text(c, "state"),
			  why[0] ? ": " : "", why);
		table_add(&t, "%llu",
			  (unsigned long long)member_number(c, "frames"));
		table_add(&t, "%llu",
			  (unsigned long long)member_number(c, "lost"));
		table_add(&t, "%s",
			  human_bytes(member_number(c, "bytes"), bytes));
		table_add(&t, "%s", member_text(c, "filter"));
	}
	table_print(&t, 0, out_colour(o, OUT_BOLD), out_colour(o, OUT_PLAIN));
	table_done(&t);
	return CLI_OK;
}

static const struct agent_cmd list_cmd = {
	.name = "capture list",
	.help = "Usage: weir capture list [-o text|json|yaml]\n"
		"\n"
		"Captures that the agent makes and has made, newest first.\n",
	.command = "captures",
	.print = print_captures,
};

/* --- capture get ------------------------------------------------------------------------ */

static const char get_help[] =
	"Usage: weir capture get ID -w FILE [--socket PATH]\n"
	"\n"
	"Writes a capture of the agent's as pcapng to FILE, - for stdout: what "
	"there is\n"
	"of it, if it still runs.\n"
	"\n"
	"Example: weir capture get 3 -w - | tshark -r -\n";

static int digit_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Of base64 with its padding; false: it is none, or it cannot be written. */
static bool write_base64(FILE *to, const char *text)
{
	uint32_t v = 0;
	unsigned bits = 0;

	for (; *text && *text != '='; text++) {
		int digit = digit_of(*text);

		if (digit < 0)
			return false;
		v = v << 6 | (uint32_t)digit;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			if (putc((int)(v >> bits & 0xff), to) == EOF)
				return false;
		}
	}
	return true;
}

/* Page by page. One that runs ends where it is now. */
static int get_all(struct agentclient *client, json_int_t id, FILE *to,
		   struct err *reterr)
{
	uint64_t at = 0, next = 0;
	json_t *answer = NULL;

	do {
		const char *data;
		int rc;

		at = next;
		rc = agentclient_ask(client, "capture-read",
				     json_pack("{s:I, s:I}", "id", id, "offset",
					       (json_int_t)at),
				     &answer, reterr);
		if (rc < 0)
			return rc;
		next = member_number(answer, "next");
		data = member_text(answer, "data");
		rc = write_base64(to, data) ? 0 : -EIO;
		json_decref(answer);
		if (rc < 0)
			return err_set(reterr, EIO, "-w", "writing failed");
	} while (next > at);
	return fflush(to) == 0
		       ? 0
		       : err_set(reterr, errno, "-w", "%s", strerror(errno));
}

/* Only for who asked: it holds what others have said. */
static FILE *open_file(const char *name, struct err *reterr)
{
	FILE *to = stdout;
	int fd = -1;

	if (strcmp(name, "-") != 0) {
		fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		to = fd < 0 ? NULL : fdopen(fd, "w");
	} else if (isatty(STDOUT_FILENO)) {
		(void)err_set(reterr, EINVAL, "-w",
			      "a terminal shows no pcapng; write to a file or "
			      "a pipe");
		return NULL;
	}
	if (!to)
		(void)err_set(reterr, errno, "-w", "%s: %s", name,
			      strerror(errno));
	return to;
}

struct get_args {
	const char *file, *socket;
	json_int_t id;
};

static int get_args(struct get_args *g, int argc, char **argv,
		    struct err *reterr)
{
	static const struct option longs[] = {
		{ "socket", required_argument, NULL, 'S' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	char *end;
	int c;

	optind = 1;
	opterr = 0;
	while ((c = getopt_long(argc, argv, "w:h", longs, NULL)) >= 0) {
		if (c == 'w')
			g->file = optarg;
		else if (c == 'S')
			g->socket = optarg;
		else
			return err_set(reterr, EINVAL, argv[optind - 1],
				       "no such option, or its value is "
				       "missing");
	}
	if (!g->file)
		return err_set(reterr, EINVAL, "-w", "say into which file");
	if (optind + 1 != argc)
		return err_set(reterr, EINVAL, "ID", "expected one capture");
	errno = 0;
	g->id = strtoll(argv[optind], &end, 10);
	if (errno || *end || g->id < 1)
		return err_set(reterr, EINVAL, "ID",
			       "expected a number; weir capture list shows "
			       "them");
	return 0;
}

static int cmd_get(int argc, char **argv)
{
	struct get_args g = { .socket = getenv("WEIR_SOCKET") };
	struct agentclient client = { .fd = -1 };
	struct out out = out_default();
	struct err err = { 0 };
	FILE *to;
	int rc;

	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--help") == 0 ||
		    strcmp(argv[i], "-h") == 0) {
			fputs(get_help, stdout);
			return CLI_OK;
		}
	if (get_args(&g, argc, argv, &err) < 0 || !g.file)
		return out_usage(&out, "capture", &err);
	if (!g.socket || !g.socket[0])
		g.socket = AGENT_SOCKET_DEFAULT;
	if (agentclient_open(g.socket, &client, &err) < 0)
		return out_error(&out, "capture get", &err);
	to = open_file(g.file, &err);
	rc = to ? get_all(&client, g.id, to, &err) : -err.code;
	if (to && to != stdout && fclose(to) != 0 && rc == 0)
		rc = err_set(&err, errno, "-w", "%s", strerror(errno));
	agentclient_done(&client);
	return rc < 0 ? out_error(&out, "capture get", &err) : CLI_OK;
}

/* --- which ------------------------------------------------------------------------------ */

static int cmd_start(int argc, char **argv)
{
	return agent_cmd_run(&start_cmd, argc, argv);
}

static int cmd_stop(int argc, char **argv)
{
	return agent_cmd_run(&stop_cmd, argc, argv);
}

static int cmd_delete(int argc, char **argv)
{
	return agent_cmd_run(&delete_cmd, argc, argv);
}

static int cmd_list(int argc, char **argv)
{
	return agent_cmd_run(&list_cmd, argc, argv);
}

bool capture_is_agents(int argc, char **argv, int *ret_exit)
{
	static const struct cli_command list[] = {
		{ "start", NULL, cmd_start, NULL },
		{ "stop", NULL, cmd_stop, NULL },
		{ "list", NULL, cmd_list, NULL },
		{ "get", NULL, cmd_get, NULL },
		{ "delete", NULL, cmd_delete, NULL },
	};

	for (size_t i = 0; argc > 1 && i < sizeof list / sizeof *list; i++)
		if (strcmp(list[i].name, argv[1]) == 0) {
			*ret_exit = list[i].run(argc - 1, argv + 1);
			return true;
		}
	return false;
}
