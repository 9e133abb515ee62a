/*
 * weir hook: called by a container runtime between making a container's network
 * and starting it, so that not even the first frame passes unguarded.
 *
 *   oci   as an OCI hook (createRuntime): the container's state, a JSON object
 *         with "pid", comes on stdin (OCI runtime specification, "Hooks")
 *   cni   as the last plugin of a CNI chain: the environment says what, stdin
 *         has the network's configuration with "prevResult", which is printed
 *         again (CNI specification 1.0.0)
 *
 * When the agent does not answer, `--on-failure closed` (the default) fails, so
 * that the runtime does not start the container; `open` lets it.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "cli/agentcmd.h"

static const char help_text[] =
	"Usage: weir hook oci [--on-failure closed|open] [--socket PATH]\n"
	"       weir hook cni\n"
	"       weir hook netns NAME|PATH\n"
	"\n"
	"Has the agent guard a container's ports before it starts.\n"
	"\n"
	"oci: a createRuntime hook. For podman, /usr/share/containers/oci/"
	"hooks.d/weir.json:\n"
	"  "
	"{\"version\":\"1.0.0\",\"hook\":{\"path\":\"/usr/bin/weir\",\"args\":"
	"[\"weir\",\"hook\",\"oci\"]},\n"
	"   \"when\":{\"always\":true},\"stages\":[\"createRuntime\"]}\n"
	"\n"
	"cni: a plugin of type \"weir\" at the end of a chain: a link to weir "
	"of "
	"the name\n"
	"weir-cni in the plugins' folder (or: weir hook cni), and "
	"{\"type\":\"weir-cni\"} in\n"
	"the configuration; \"onFailure\": \"open\" and \"socket\" may be said "
	"there.\n";

struct hook_call {
	const char *socket;
	bool open; /* an agent that is not there is no failure */
};

/* All of stdin; the caller frees it. NULL: it is none, or too large. */
static char *read_stdin(size_t *ret_len)
{
	char *buf = malloc(HOOK_STDIN_MAX);
	size_t len = buf ? fread(buf, 1, HOOK_STDIN_MAX, stdin) : 0;

	if (!buf || ferror(stdin) || len == HOOK_STDIN_MAX) {
		free(buf);
		return NULL;
	}
	*ret_len = len;
	return buf;
}

static json_t *load_stdin(struct err *reterr)
{
	json_error_t why;
	size_t len = 0;
	char *text = read_stdin(&len);
	json_t *v = text ? json_loadb(text, len, 0, &why) : NULL;

	if (!json_is_object(v)) {
		(void)err_set(
			reterr, EINVAL, "stdin", "expected a JSON object%s%s",
			text && !v ? ": " : "", text && !v ? why.text : "");
		json_decref(v);
		v = NULL;
	}
	free(text);
	return v;
}

/* 0 also where the agent is not there and that is to be borne. */
static int guard(const struct hook_call *h, const char *netns,
		 struct err *reterr)
{
	struct agentclient client;
	json_t *answer = NULL;
	int rc = agentclient_open(h->socket, &client, reterr);

	if (rc == 0) {
		rc = agentclient_ask(&client, "hook",
				     json_pack("{s:s}", "netns", netns),
				     &answer, reterr);
		agentclient_done(&client);
	}
	json_decref(answer);
	if (rc < 0 && h->open) {
		fprintf(stderr, "weir hook: %s, going on unguarded\n",
			reterr->text);
		rc = 0;
	}
	return rc;
}

/* --- oci ------------------------------------------------------------------- */

static int hook_oci(struct hook_call *h, struct err *reterr)
{
	json_t *state = load_stdin(reterr);
	json_int_t pid = json_integer_value(json_object_get(state, "pid"));
	char path[64];

	json_decref(state);
	if (!state)
		return -reterr->code;
	if (pid <= 0)
		return err_set(reterr, EINVAL, "stdin.pid",
			       "expected the pid of the container");
	(void)snprintf(path, sizeof path, "/proc/%lld/ns/net", (long long)pid);
	return guard(h, path, reterr);
}

/* --- cni ------------------------------------------------------------------- */

static void print_cni_error(const struct err *err)
{
	json_t *o = json_pack("{s:s, s:i, s:s}", "cniVersion", "1.0.0", "code",
			      100, "msg", err->text);

	(void)json_dumpf(o, stdout, JSON_COMPACT);
	json_decref(o);
}

static int cni_add(struct hook_call *h, const json_t *conf, struct err *reterr)
{
	const char *netns = getenv("CNI_NETNS");
	const char *failure =
		json_string_value(json_object_get(conf, "onFailure"));
	const char *socket = json_string_value(json_object_get(conf, "socket"));
	json_t *before = json_object_get(conf, "prevResult");
	int rc;

	if (!netns || !json_is_object(before))
		return err_set(reterr, EINVAL, NULL,
			       "expected CNI_NETNS and a prevResult: weir is "
			       "no plugin to begin a chain with");
	if (failure)
		h->open = strcmp(failure, "open") == 0;
	if (socket)
		h->socket = socket;
	rc = guard(h, netns, reterr);
	if (rc == 0)
		(void)json_dumpf(before, stdout, JSON_COMPACT);
	return rc;
}

static int hook_cni(struct hook_call *h, struct err *reterr)
{
	const char *command = getenv("CNI_COMMAND");
	json_t *conf;
	int rc = 0;

	if (command && strcmp(command, "VERSION") == 0) {
		puts("{\"cniVersion\":\"1.0.0\",\"supportedVersions\":[\"0.3."
		     "0\",\"0.3.1\",\"0.4.0\",\"1.0.0\"]}");
		return 0;
	}
	conf = load_stdin(reterr);
	if (!conf)
		rc = -reterr->code;
	else if (command && strcmp(command, "ADD") == 0)
		rc = cni_add(h, conf, reterr);
	else if (!command ||
		 (strcmp(command, "DEL") != 0 && strcmp(command, "CHECK") != 0))
		rc = err_set(reterr, EINVAL, "CNI_COMMAND",
			     "expected ADD, DEL, CHECK or VERSION");
	json_decref(conf);
	if (rc < 0)
		print_cni_error(reterr);
	return rc;
}

/* --- the command line --------------------------------------------------------- */

static int parse(struct hook_call *h, int argc, char **argv, struct err *reterr)
{
	static const struct option longs[] = {
		{ "on-failure", required_argument, NULL, 'f' },
		{ "socket", required_argument, NULL, 's' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	opterr = 0;
	optind = 1;
	while ((c = getopt_long(argc, argv, "", longs, NULL)) >= 0) {
		if (c == 's')
			h->socket = optarg;
		else if (c == 'f' && strcmp(optarg, "open") == 0)
			h->open = true;
		else if (c != 'f' || strcmp(optarg, "closed") != 0)
			return err_set(reterr, EINVAL, argv[optind - 1],
				       "no such option or value");
	}
	return 0;
}

static int run(struct hook_call *h, int argc, char **argv, struct err *reterr)
{
	int rc = parse(h, argc, argv, reterr);

	if (rc < 0)
		return rc;
	if (strcmp(argv[0], "oci") == 0)
		return hook_oci(h, reterr);
	if (strcmp(argv[0], "cni") == 0)
		return hook_cni(h, reterr);
	if (strcmp(argv[0], "netns") == 0 && optind < argc)
		return guard(h, argv[optind], reterr);
	return err_set(reterr, EINVAL, argv[0], "expected oci, cni or netns");
}

int cmd_hook(int argc, char **argv)
{
	struct out out = out_default();
	struct hook_call h = { .socket = getenv("WEIR_SOCKET") };
	struct err err = { 0 };

	if (!h.socket || !h.socket[0])
		h.socket = AGENT_SOCKET_DEFAULT;
	if (argc < 2 || strcmp(argv[1], "--help") == 0 ||
	    strcmp(argv[1], "-h") == 0) {
		fputs(help_text, stdout);
		return argc < 2 ? CLI_USAGE : CLI_OK;
	}
	if (run(&h, argc - 1, argv + 1, &err) < 0)
		return out_error(&out, "hook", &err);
	return CLI_OK;
}
