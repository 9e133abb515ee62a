/*
 * weir hook: called by a container runtime between making a container's network
 * and starting it, so that not even the first frame passes unguarded.
 *
 *   oci   as an OCI hook (createRuntime): the container's state, a JSON object
 *         with "pid", comes on stdin (OCI runtime specification, "Hooks")
 *   cni   as the last plugin of a CNI chain: the environment says what, stdin
 *         has the network's configuration with "prevResult", which is printed
 *         again (CNI specification 0.3.0 to 1.1.0)
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

/* Of the specification's; what is a plugin's own begins at 100. */
enum cni_code {
	CNI_VERSION = 1,
	CNI_ENVIRONMENT = 4,
	CNI_STDIN = 6,
	CNI_CONFIG = 7,
	CNI_LATER = 11,
	CNI_UNAVAILABLE = 50,
	CNI_NOT_GUARDED = 100
};

/* Each has prevResult, which came with the first. */
static const char *const cni_versions[] = { "0.3.0", "0.3.1", "0.4.0", "1.0.0",
					    "1.1.0" };

struct cni {
	json_t *conf; /* NULL: none was read */
	const char *command, *version;
	enum cni_code code; /* of what went wrong */
};

static int cni_err(struct cni *c, enum cni_code code, const char *at,
		   const char *text, struct err *reterr)
{
	c->code = code;
	return err_set(reterr, EINVAL, at, "%s", text);
}

static void print_cni_error(const struct cni *c, const struct err *err)
{
	json_t *o = json_pack("{s:s, s:i, s:s+++}", "cniVersion", c->version,
			      "code", (int)c->code, "msg", "weir: ", err->at,
			      err->at[0] ? ": " : "", err->text);

	(void)json_dumpf(o, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(o);
}

static void print_cni_versions(const struct cni *c)
{
	json_t *list = json_array();

	for (size_t i = 0; i < sizeof cni_versions / sizeof *cni_versions; i++)
		(void)json_array_append_new(list, json_string(cni_versions[i]));
	list = json_pack("{s:s, s:o}", "cniVersion", c->version,
			 "supportedVersions", list);
	(void)json_dumpf(list, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(list);
}

static bool is_supported(const char *version)
{
	for (size_t i = 0; i < sizeof cni_versions / sizeof *cni_versions; i++)
		if (strcmp(cni_versions[i], version) == 0)
			return true;
	return false;
}

/* What the network's configuration says of us. */
static int cni_config(struct hook_call *h, struct cni *c, struct err *reterr)
{
	const json_t *failure = json_object_get(c->conf, "onFailure");
	const json_t *socket = json_object_get(c->conf, "socket");
	const char *word = json_string_value(failure);

	if (socket && !json_is_string(socket))
		return cni_err(c, CNI_CONFIG, "socket", "must be a text",
			       reterr);
	if (failure && (!word || (strcmp(word, "open") != 0 &&
				  strcmp(word, "closed") != 0)))
		return cni_err(c, CNI_CONFIG, "onFailure",
			       "must be closed or open", reterr);
	if (socket)
		h->socket = json_string_value(socket);
	if (failure)
		h->open = strcmp(word, "open") == 0;
	return 0;
}

/* ADD and CHECK: what is guarded already stays so. */
static int cni_guard(struct hook_call *h, struct cni *c, struct err *reterr)
{
	const char *netns = getenv("CNI_NETNS");
	const json_t *before = json_object_get(c->conf, "prevResult");
	int rc;

	if (!netns || !netns[0])
		return cni_err(c, CNI_ENVIRONMENT, "CNI_NETNS",
			       "says which namespace, and is missing", reterr);
	if (!json_is_object(before))
		return cni_err(c, CNI_CONFIG, "prevResult",
			       "is missing: weir is no plugin to begin a chain "
			       "with",
			       reterr);
	rc = guard(h, netns, reterr);
	if (rc < 0)
		c->code = rc == -ECONNREFUSED ? CNI_LATER : CNI_NOT_GUARDED;
	else if (strcmp(c->command, "ADD") == 0)
		(void)json_dumpf(before, stdout, JSON_COMPACT);
	return rc;
}

/* Could an ADD be done? */
static int cni_status(const struct hook_call *h, struct cni *c,
		      struct err *reterr)
{
	struct agentclient client;
	int rc = h->open ? 0 : agentclient_open(h->socket, &client, reterr);

	if (rc == 0 && !h->open)
		agentclient_done(&client);
	c->code = CNI_UNAVAILABLE;
	return rc;
}

static int cni_do(struct hook_call *h, struct cni *c, struct err *reterr)
{
	int rc;

	if (strcmp(c->command, "VERSION") == 0) {
		print_cni_versions(c);
		return 0;
	}
	/* what is taken away takes its guard with it */
	if (strcmp(c->command, "DEL") == 0 || strcmp(c->command, "GC") == 0)
		return 0;
	if (!is_supported(c->version))
		return cni_err(c, CNI_VERSION, "cniVersion",
			       "expected 0.3.0 to 1.1.0", reterr);
	rc = cni_config(h, c, reterr);
	if (rc < 0)
		return rc;
	if (strcmp(c->command, "ADD") == 0 || strcmp(c->command, "CHECK") == 0)
		return cni_guard(h, c, reterr);
	if (strcmp(c->command, "STATUS") == 0)
		return cni_status(h, c, reterr);
	return cni_err(c, CNI_ENVIRONMENT, "CNI_COMMAND",
		       "expected ADD, CHECK, DEL, GC, STATUS or VERSION",
		       reterr);
}

static int hook_cni(struct hook_call *h, struct err *reterr)
{
	struct cni c = { .command = getenv("CNI_COMMAND"), .version = "1.0.0" };
	int rc;

	if (!c.command)
		c.command = "";
	c.conf = load_stdin(reterr);
	if (!c.conf) {
		c.code = CNI_STDIN;
		rc = -reterr->code;
	} else {
		json_t *v = json_object_get(c.conf, "cniVersion");

		if (json_is_string(v))
			c.version = json_string_value(v);
		rc = cni_do(h, &c, reterr);
	}
	if (rc < 0)
		print_cni_error(&c, reterr);
	json_decref(c.conf);
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

/* An exit code. */
static int run(struct hook_call *h, int argc, char **argv, struct err *reterr)
{
	int rc = parse(h, argc, argv, reterr);

	if (rc < 0)
		return CLI_USAGE;
	if (strcmp(argv[0], "oci") == 0) {
		rc = hook_oci(h, reterr);
	} else if (strcmp(argv[0], "cni") == 0) {
		rc = hook_cni(h, reterr);
	} else if (strcmp(argv[0], "netns") == 0 && optind < argc) {
		rc = guard(h, argv[optind], reterr);
	} else {
		(void)err_set(reterr, EINVAL, argv[0],
			      "expected oci, cni or netns with its path");
		return CLI_USAGE;
	}
	return rc < 0 ? CLI_FAILED : CLI_OK;
}

int cmd_hook(int argc, char **argv)
{
	struct out out = out_default();
	struct hook_call h = { .socket = getenv("WEIR_SOCKET") };
	struct err err = { 0 };
	int rc;

	if (!h.socket || !h.socket[0])
		h.socket = AGENT_SOCKET_DEFAULT;
	if (argc < 2 || strcmp(argv[1], "--help") == 0 ||
	    strcmp(argv[1], "-h") == 0) {
		fputs(help_text, stdout);
		return argc < 2 ? CLI_USAGE : CLI_OK;
	}
	rc = run(&h, argc - 1, argv + 1, &err);
	if (rc != CLI_OK)
		(void)out_error(&out, "hook", &err);
	return rc;
}
