/*
 * weir rules: files of signatures, looked at without any data plane. The parser
 * and the compiler are those that a data plane loads them with. What the agent
 * has loaded: rules_agent.c.
 */
#include "cli/rules.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/rules_test.h"
#include "detect/sig_set.h"

static const char help_text[] =
	"Usage: weir rules check [--var NAME=VALUE]... [-o text|json] FILE...\n"
	"       weir rules list [--var NAME=VALUE]... [--long] [-o text|json] "
	"[FILE...]\n"
	"       weir rules test -r CAPTURE [--var NAME=VALUE]... "
	"[-o text|json] FILE...\n"
	"       weir rules load [--add] [--strict] [--var NAME=VALUE]... "
	"FILE...\n"
	"       weir rules unload NAME | --all\n"
	"       weir rules status\n"
	"\n"
	"Signatures in Suricata's rule language, as far as docs/rules.md "
	"says.\n"
	"\n"
	"  check  reads and compiles them; tells what is refused, with its "
	"line,\n"
	"         column and keyword, and what the others cost\n"
	"  list   tells what was understood, a line each; without a FILE, of "
	"what\n"
	"         the agent has loaded\n"
	"  test   reads a capture as a data plane reads traffic, and tells\n"
	"         what matches\n"
	"  load, unload, status\n"
	"         what the agent keeps and its data plane runs; --help tells "
	"more\n"
	"\n"
	"      --var NAME=VALUE  what $NAME stands for (HOME_NET is any)\n"
	"      --long            list: whole rules, in one way of writing\n"
	"  -r, --read CAPTURE    test: pcap or pcapng, Ethernet\n"
	"      --socket PATH     list: the agent's\n"
	"  -o, --output text|json\n"
	"  -h, --help\n"
	"\n"
	"Exits with 0 when every rule is understood, 1 when one is refused or "
	"a\n"
	"file cannot be read, 2 when the command line was not understood.\n"
	"\n"
	"Examples:\n"
	"  weir rules check my.rules\n"
	"  weir rules list --var HOME_NET=10.0.0.0/8 --long my.rules\n"
	"  weir rules test -r traffic.pcap my.rules\n";

struct rules {
	struct out out;
	struct sig_list *list;
	bool longer;
	const char *capture; /* test */
	bool or_loaded;	     /* list: without a file, the agent's */
	const char *socket;
	json_t *left_out; /* by the compiler */
};

static const struct option longs[] = {
	{ "var", required_argument, NULL, 'v' },
	{ "long", no_argument, NULL, 'l' },
	{ "read", required_argument, NULL, 'r' },
	{ "socket", required_argument, NULL, 'S' },
	{ "output", required_argument, NULL, 'o' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

int rules_set_variable(struct sig_list *l, char *text, struct err *reterr)
{
	char *equals = strchr(text, '=');

	if (!equals)
		return err_set(reterr, EINVAL, "--var", "NAME=VALUE expected");
	*equals = 0;
	return sig_list_set(l, text, equals + 1, reterr);
}

/* false: it ends here, with *ret_exit; else files are argv[optind..] */
static bool parse_options(struct rules *r, const char *name, int argc,
			  char **argv, int *ret_exit)
{
	struct err err = { 0 };
	int c;

	optind = 1;
	opterr = 0;
	while (!err.code &&
	       (c = getopt_long(argc, argv, "o:r:h", longs, NULL)) >= 0) {
		switch (c) {
		case 'h':
			printf("%s", help_text);
			*ret_exit = CLI_OK;
			return false;
		case 'v':
			(void)rules_set_variable(r->list, optarg, &err);
			break;
		case 'l': r->longer = true; break;
		case 'r': r->capture = optarg; break;
		case 'S': r->socket = optarg; break;
		case 'o': (void)out_set_format(&r->out, optarg, &err); break;
		default:
			(void)err_set(&err, EINVAL, argv[optind - 1],
				      "no such option, or its value is "
				      "missing");
		}
	}
	if (!err.code && optind == argc && !r->or_loaded)
		(void)err_set(&err, EINVAL, NULL, "say a file of rules");
	if (err.code)
		*ret_exit = out_usage(&r->out, name, &err);
	return !err.code;
}

static json_t *fault_json(const char *file, uint32_t line, uint32_t column,
			  const char *keyword, const char *text)
{
	return json_pack("{s:s, s:i, s:i, s:o, s:o}", "file", file, "line",
			 (int)line, "column", (int)column, "keyword",
			 out_json_text(keyword), "text", out_json_text(text));
}

json_t *rules_faults(const struct sig_list *l)
{
	json_t *all = json_array();

	for (size_t i = 0; i < sig_list_faults(l); i++) {
		const struct sig_fault *f = sig_list_fault(l, i);

		(void)json_array_append_new(
			all, fault_json(f->file, f->line, f->column, f->keyword,
					f->text));
	}
	return all;
}

void rules_print_faults(const struct out *o, const json_t *faults)
{
	const json_t *f;
	size_t i;

	json_array_foreach (faults, i, f) {
		const char *keyword =
			json_string_value(json_object_get(f, "keyword"));

		printf("%s:%d:%d: %srefused%s: %s%s%s\n",
		       json_string_value(json_object_get(f, "file")),
		       (int)json_integer_value(json_object_get(f, "line")),
		       (int)json_integer_value(json_object_get(f, "column")),
		       out_colour(o, OUT_RED), out_colour(o, OUT_PLAIN),
		       keyword, *keyword ? ": " : "",
		       json_string_value(json_object_get(f, "text")));
	}
}

static void note_left_out(void *arg, const struct signature *s,
			  const struct err *why)
{
	struct rules *r = arg;

	(void)json_array_append_new(
		r->left_out,
		fault_json(s->file, s->line, 1, why->at, why->text));
}

static int read_files(struct rules *r, const char *name, int argc, char **argv)
{
	struct err err = { 0 };

	if (optind == argc && rules_of_agent(r->list, r->socket, &err) < 0)
		return out_error(&r->out, name, &err);
	for (int i = optind; i < argc; i++)
		if (sig_list_read(r->list, argv[i], &err) < 0)
			return out_error(&r->out, name, &err);
	return CLI_OK;
}

static void print_size(const struct sig_set_size *size)
{
	printf("%" PRIu32 " signatures: %" PRIu32 " fast patterns for %" PRIu32
	       " buffers, %" PRIu32 " expressions; %.1f MiB\n",
	       size->signatures, size->patterns, size->databases,
	       size->expressions,
	       (double)(size->database_bytes + size->pcre_bytes +
			size->other_bytes) /
		       1048576);
	if (size->unfiltered)
		printf("%" PRIu32 " have nothing that is searched for: they "
		       "are tried with "
		       "each buffer of their sort\n",
		       size->unfiltered);
}

/* Takes the list. NULL: *ret_status. */
static struct sig_set *compile(struct rules *r, const char *name,
			       int *ret_status)
{
	struct sig_set_options opt = { .left_out = note_left_out, .arg = r };
	struct err err = { 0 };
	struct sig_set *set = sig_set_new(r->list, &opt, &err);

	r->list = NULL;
	if (!set)
		*ret_status = out_error(&r->out, name, &err);
	return set;
}

static int check(struct rules *r)
{
	json_t *faults = rules_faults(r->list), *answer;
	uint64_t refused = sig_list_refused(r->list);
	struct sig_set_size size;
	int status;
	struct sig_set *set = compile(r, "rules check", &status);

	if (!set) {
		json_decref(faults);
		return status;
	}
	size = sig_set_size(set);
	(void)json_array_extend(faults, r->left_out);
	refused += size.left_out;
	if (r->out.json) {
		answer = json_pack("{s:b, s:i, s:I, s:o}", "ok", refused == 0,
				   "signatures", (int)size.signatures,
				   "refused", (json_int_t)refused, "faults",
				   faults);
		out_json(answer);
	} else {
		rules_print_faults(&r->out, faults);
		print_size(&size);
		if (refused)
			printf("%" PRIu64 " refused\n", refused);
		json_decref(faults);
	}
	sig_set_free(set);
	return refused ? CLI_FAILED : CLI_OK;
}

static void list_one(const struct rules *r, const struct signature *s,
		     json_t *all)
{
	static char text[4 * SIG_RULE_BYTES_MAX];
	bool whole = sig_print(s, text, sizeof text);

	if (all)
		(void)json_array_append_new(
			all,
			json_pack("{s:I, s:I, s:I, s:s, s:o, s:i, s:o, s:s, "
				  "s:i, s:o*}",
				  "sid", (json_int_t)s->sid, "gid",
				  (json_int_t)s->gid, "rev", (json_int_t)s->rev,
				  "action",
				  sig_action_name((enum sig_action)s->action),
				  "msg", out_json_text(s->msg), "priority",
				  (int)s->priority, "classtype",
				  out_json_text(s->classtype), "file", s->file,
				  "line", (int)s->line, "rule",
				  whole ? out_json_text(text) : NULL));
	else if (r->longer)
		printf("%s\n", text);
	else
		printf("%-10" PRIu32 " %-6s %-8s %u  %s\n", s->sid,
		       sig_action_name((enum sig_action)s->action), s->protocol,
		       s->priority, s->msg);
}

static int list(struct rules *r)
{
	json_t *all = r->out.json ? json_array() : NULL, *faults;
	uint64_t refused = sig_list_refused(r->list);

	for (size_t i = 0; i < sig_list_len(r->list); i++)
		list_one(r, sig_list_at(r->list, i), all);
	faults = rules_faults(r->list);
	if (r->out.json) {
		out_json(json_pack("{s:b, s:o, s:I, s:o}", "ok", refused == 0,
				   "signatures", all, "refused",
				   (json_int_t)refused, "faults", faults));
	} else {
		rules_print_faults(&r->out, faults);
		json_decref(faults);
	}
	return refused ? CLI_FAILED : CLI_OK;
}

/* Refused rules are told first; the others are tried all the same. */
static int test(struct rules *r)
{
	json_t *faults = rules_faults(r->list);
	struct err err = { 0 };
	struct sig_set *set;
	int status;

	if (!r->capture) {
		json_decref(faults);
		(void)err_set(&err, EINVAL, "--read", "say a capture");
		return out_usage(&r->out, "rules test", &err);
	}
	set = compile(r, "rules test", &status);
	(void)json_array_extend(faults, r->left_out);
	if (set && r->out.json && json_array_size(faults) > 0)
		out_json(json_pack("{s:O}", "faults", faults));
	else if (set)
		rules_print_faults(&r->out, faults);
	if (set)
		status = rules_test(&r->out, r->capture, set);
	if (set && json_array_size(faults) > 0)
		status = CLI_FAILED;
	json_decref(faults);
	sig_set_free(set);
	return status;
}

static int run(const char *name, int (*what)(struct rules *r), int argc,
	       char **argv)
{
	struct rules r = { .out = out_default(),
			   .list = sig_list_new(),
			   .or_loaded = what == list,
			   .left_out = json_array() };
	struct err err = { 0 };
	int status;

	if (!r.list || !r.left_out) {
		(void)err_set(&err, ENOMEM, NULL, "out of memory");
		status = out_error(&r.out, name, &err);
	} else if (parse_options(&r, name, argc, argv, &status)) {
		status = read_files(&r, name, argc, argv);
		if (status == CLI_OK)
			status = what(&r);
	}
	json_decref(r.left_out);
	sig_list_free(r.list);
	return status;
}

int cmd_rules(int argc, char **argv)
{
	struct out out = out_default();
	struct err err = { 0 };

	if (argc > 1 && strcmp(argv[1], "check") == 0)
		return run("rules check", check, argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "list") == 0)
		return run("rules list", list, argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "test") == 0)
		return run("rules test", test, argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "load") == 0)
		return rules_load(argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "unload") == 0)
		return rules_unload(argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "status") == 0)
		return rules_status(argc - 1, argv + 1);
	if (argc > 1 &&
	    (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
		printf("%s", help_text);
		return CLI_OK;
	}
	(void)err_set(&err, EINVAL, argc > 1 ? argv[1] : NULL,
		      "check, list, test, load, unload or status expected");
	return out_usage(&out, "rules", &err);
}
