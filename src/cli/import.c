/*
 * weir import: the policy of another firewall as Weir's, and what of it could not be
 * carried over.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/limits.h"
#include "cli/agent_policy.h"
#include "cli/agentcmd.h"
#include "cli/cli.h"
#include "cli/visible.h"
#include "import/import.h"

static const char help_text[] =
	"Usage: weir import neuvector [--strict] [OPTION]... FILE...\n"
	"       weir import networkpolicy [OPTION]... FILE...\n"
	"\n"
	"Reads a policy of another firewall and prints it as Weir's, YAML for "
	"weir\n"
	"apply. What could not be carried over, or means something else now, "
	"is told\n"
	"on stderr, each with its place; nothing is left out in silence. "
	"Needs no agent.\n"
	"FILE - is stdin.\n"
	"\n"
	"  neuvector      NvSecurityRule, NvClusterSecurityRule, "
	"NvGroupDefinition,\n"
	"                 NvDlpSecurityRule, NvWafSecurityRule; files, or "
	"lists, of them\n"
	"  networkpolicy  Kubernetes' NetworkPolicy\n"
	"\n"
	"      --strict         each end of a connection by its own mode, as "
	"in\n"
	"                       NeuVector's strict group mode; without it, "
	"rules are\n"
	"                       added by which the less restrictive one "
	"counts\n"
	"  -O, --output-file FILE\n"
	"                       write the policy there\n"
	"      --apply          make it the agent's policy, as weir apply "
	"does\n"
	"      --whole          if anything is lost: exit with 1, and write "
	"and apply\n"
	"                       nothing\n"
	"      --report text|json\n"
	"                       how that is told\n"
	"      --socket PATH    of the agent, for --apply\n"
	"  -h, --help\n"
	"\n"
	"Examples:\n"
	"  kubectl get nvsecurityrules,nvclustersecurityrules -A -o yaml |\n"
	"      weir import neuvector - > policy.yaml\n"
	"  weir import neuvector --report json -O policy.yaml export.yaml\n"
	"  weir import networkpolicy --apply policies/*.yaml\n";

struct importing {
	bool networkpolicy, apply, whole, report_json;
	struct import_options options;
	const char *output, *socket;
	struct import_file *files; /* texts owned */
	size_t n;
};

/* --- files --------------------------------------------------------------- */

static char *read_stdin(size_t *ret_len, struct err *reterr)
{
	size_t len = 0, size = 65536;
	char *buf = malloc(size), *more;

	while (buf && !feof(stdin) && !ferror(stdin)) {
		if (len == size) {
			more = size < YAML_BYTES_MAX ? realloc(buf, 2 * size)
						     : NULL;
			if (!more)
				break;
			buf = more;
			size *= 2;
		}
		len += fread(buf + len, 1, size - len, stdin);
	}
	*ret_len = len;
	if (buf && feof(stdin) && !ferror(stdin))
		return buf;
	free(buf);
	(void)err_set(reterr, EIO, "-",
		      "cannot be read, or has more than %u bytes",
		      YAML_BYTES_MAX);
	return NULL;
}

static int read_files(struct importing *im, int argc, char **argv,
		      struct err *reterr)
{
	im->files = calloc((size_t)argc + 1, sizeof *im->files);
	if (!im->files)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	for (int k = 0; k < argc; k++) {
		struct import_file *f = &im->files[im->n];

		f->name = argv[k];
		f->text = strcmp(argv[k], "-") == 0
				  ? read_stdin(&f->len, reterr)
				  : file_load(argv[k], YAML_BYTES_MAX, &f->len,
					      reterr);
		if (!f->text)
			return -reterr->code;
		im->n++;
	}
	return 0;
}

/* --- what comes out -------------------------------------------------------- */

static void print_report(const struct importing *im,
			 const struct import_result *r)
{
	char *text;
	json_t *v;
	size_t n;

	if (im->report_json) {
		text = json_dumps(r->report, JSON_COMPACT);
		fprintf(stderr, "%s\n", text ? text : "[]");
		free(text);
		return;
	}
	/* a file's words on a terminal */
	visible_make(r->report);
	json_array_foreach (r->report, n, v) {
		const char *field =
			json_string_value(json_object_get(v, "field"));

		fprintf(stderr, "%s: %s: %s: %s%s%s\n",
			json_string_value(json_object_get(v, "at")),
			json_string_value(json_object_get(v, "weight")),
			json_string_value(json_object_get(v, "object")), field,
			field[0] ? ": " : "",
			json_string_value(json_object_get(v, "text")));
	}
	fprintf(stderr, "%zu lost, %zu changed, %zu to be known\n",
		r->counts[IMPORT_LOST], r->counts[IMPORT_CHANGED],
		r->counts[IMPORT_NOTE]);
}

static int write_policy(const char *path, const char *yaml, struct err *reterr)
{
	FILE *f = fopen(path, "we");

	if (!f)
		return err_set(reterr, errno, path, "%s", strerror(errno));
	if (fputs(yaml, f) < 0) {
		(void)fclose(f); /* the first error is the one to tell */
		return err_set(reterr, EIO, path, "cannot be written");
	}
	if (fclose(f) != 0)
		return err_set(reterr, EIO, path, "cannot be written");
	return 0;
}

static int apply(const struct importing *im, const char *yaml)
{
	struct out out = out_default();
	json_t *args = json_pack("{s:s}", "text", yaml), *answer = NULL;
	struct agentclient client;
	struct err err;
	int status;

	if (agentclient_open(im->socket, &client, &err) < 0) {
		json_decref(args);
		return out_error(&out, "import", &err);
	}
	if (agentclient_ask(&client, "apply", args, &answer, &err) < 0) {
		status = out_error(&out, "import", &err);
	} else {
		visible_make(answer);
		agent_print_diff(&out, json_object_get(answer, "diff"));
		status = agent_print_changed(&out, answer);
	}
	json_decref(answer);
	agentclient_done(&client);
	return status;
}

static int hand_out(const struct importing *im, const struct import_result *r)
{
	struct out out = out_default();
	char *yaml = intent_to_yaml(r->intent);
	struct err err;
	int status = CLI_OK;

	if (!yaml) {
		(void)err_set(&err, ENOMEM, NULL, "out of memory");
		return out_error(&out, "import", &err);
	}
	if (im->output && write_policy(im->output, yaml, &err) < 0)
		status = out_error(&out, "import", &err);
	else if (im->apply)
		status = apply(im, yaml);
	else if (!im->output)
		fputs(yaml, stdout);
	free(yaml);
	return status;
}

static int import(struct importing *im, int argc, char **argv)
{
	struct out out = out_default();
	struct import_result r = { .intent = NULL };
	struct err err = { 0 };
	int rc = read_files(im, argc, argv, &err), status;

	if (rc == 0)
		rc = im->networkpolicy
			     ? import_networkpolicies(im->files, im->n, &r,
						      &err)
			     : import_neuvector(im->files, im->n, &im->options,
						&r, &err);
	if (rc < 0) {
		status = out_error(&out, "import", &err);
	} else {
		print_report(im, &r);
		status = im->whole && r.counts[IMPORT_LOST] > 0
				 ? CLI_FAILED
				 : hand_out(im, &r);
	}
	import_result_done(&r);
	for (size_t k = 0; k < im->n; k++)
		free((char *)(uintptr_t)im->files[k].text);
	free(im->files);
	return status;
}

/* --- the command line -------------------------------------------------------- */

static const struct option longs[] = {
	{ "strict", no_argument, NULL, 's' },
	{ "output-file", required_argument, NULL, 'O' },
	{ "apply", no_argument, NULL, 'a' },
	{ "whole", no_argument, NULL, 'w' },
	{ "report", required_argument, NULL, 'r' },
	{ "socket", required_argument, NULL, 'S' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

/* 0; 1: help was printed; -EINVAL */
static int parse(struct importing *im, int argc, char **argv,
		 struct err *reterr)
{
	int c;

	opterr = 0;
	optind = 1;
	while ((c = getopt_long(argc, argv, "O:h", longs, NULL)) >= 0) {
		switch (c) {
		case 's': im->options.strict = true; break;
		case 'O': im->output = optarg; break;
		case 'a': im->apply = true; break;
		case 'w': im->whole = true; break;
		case 'S': im->socket = optarg; break;
		case 'h': fputs(help_text, stdout); return 1;
		case 'r':
			im->report_json = strcmp(optarg, "json") == 0;
			if (!im->report_json && strcmp(optarg, "text") != 0)
				return err_set(reterr, EINVAL, "--report",
					       "expected text or json");
			break;
		default:
			return err_set(reterr, EINVAL, argv[optind - 1],
				       "no such option, or its value is "
				       "missing");
		}
	}
	if (im->networkpolicy && im->options.strict)
		return err_set(reterr, EINVAL, "--strict",
			       "it is about NeuVector's modes");
	if (optind == argc)
		return err_set(reterr, EINVAL, NULL, "say which FILE");
	return 0;
}

int cmd_import(int argc, char **argv)
{
	struct out out = out_default();
	struct importing im = { .socket = getenv("WEIR_SOCKET") };
	const char *what = argc > 1 ? argv[1] : "";
	struct err err;
	int rc;

	if (strcmp(what, "--help") == 0 || strcmp(what, "-h") == 0) {
		fputs(help_text, stdout);
		return CLI_OK;
	}
	if (!im.socket || !im.socket[0])
		im.socket = AGENT_SOCKET_DEFAULT;
	im.networkpolicy = strcmp(what, "networkpolicy") == 0;
	if (!im.networkpolicy && strcmp(what, "neuvector") != 0) {
		(void)err_set(&err, EINVAL, NULL,
			      "say neuvector or networkpolicy");
		return out_usage(&out, "import", &err);
	}
	rc = parse(&im, argc - 1, argv + 1, &err);
	if (rc < 0)
		return out_usage(&out, "import", &err);
	return rc > 0 ? CLI_OK
		      : import(&im, argc - optind - 1, argv + optind + 1);
}
