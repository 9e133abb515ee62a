/*
 * `weir dp`: one question to one data plane, over its own door. What the
 * words stand for is in `verbs`; everything else is a JSON message of the
 * caller's own.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "cli/cli.h"
#include "cli/dpshow.h"
#include "cli/dpshow_told.h"
#include "cli/explain.h"
#include "cli/out.h"
#include "cli/visible.h"
#include "door/dpclient.h"
#include "wire/ctrl.h"

static const char help_text[] =
	"Usage: weir dp WHAT [ARGUMENT] [--control PATH] [-o text|json]\n"
	"\n"
	"Speaks with one data plane (weir-dp) through its own door.\n"
	"\n"
	"  flows       the conversations it knows, with verdict and reason\n"
	"  blocks      what was not let through lately, and why\n"
	"  connections who spoke with whom how much, told every 5 s; "
	"NEW/VIOL:\n"
	"              new sessions and violations of the policy\n"
	"  threats     floods, malformed packets and the like\n"
	"  findings    what signatures and sensors found in what was said\n"
	"  meters      the meters that run: counts against their limits\n"
	"  stats       its counters; use against limit (--all: zeros, too)\n"
	"  config      the messages that make it as it is now, as JSON\n"
	"  count       how many flows there are\n"
	"  clear [ID]  forgets the flow with that id, or all\n"
	"  settings    its limits of floods, what it does when tables are\n"
	"              full, tunnels it looks into, as JSON; with such JSON\n"
	"              behind it ('{...}', @FILE or -): sets what is in that\n"
	"  version     which program answers\n"
	"  explain     may a connection be, and which rule says so (see\n"
	"              weir dp explain --help)\n"
	"  '{\"NAME\":{...}}'  sends this message, or an array of them in "
	"order,\n"
	"              up to the first that is refused\n"
	"  @FILE, -    the same, read from a file or from standard input\n"
	"\n"
	"      --all           with stats: what is 0 or empty, too\n"
	"      --raw           with findings: what is not masked, too, in hex\n"
	"      --control PATH  its door (default " DP_CONTROL_DEFAULT ")\n"
	"  -o, --output text|json\n"
	"  -h, --help\n"
	"\n"
	"Exits with 0 when it was done, 1 when it was refused or nobody\n"
	"answered, 2 when the command line was not understood.\n"
	"\n"
	"Examples:\n"
	"  weir dp flows\n"
	"  weir dp '{\"ctrl_keep_alive\":{\"seq_num\":1}}'\n"
	"  weir dp config >before.json; weir dp @before.json\n"
	"  weir dp settings '{\"flows\":{\"full\":\"drop\"}}'\n";

struct dp {
	struct out out;
	const char *control;
	const char *what, *argument; /* argument NULL: none */
	bool all, raw;
	struct dpclient client;
};

static void show_count(const struct dp *d, const json_t *a)
{
	json_int_t all = 0, tcp = 0, udp = 0, icmp = 0, ip = 0;

	(void)json_unpack((json_t *)(uintptr_t)a, "{s?I, s?I, s?I, s?I, s?I}",
			  "all", &all, "tcp", &tcp, "udp", &udp, "icmp", &icmp,
			  "ip", &ip);
	printf("%" JSON_INTEGER_FORMAT " flow%s: %" JSON_INTEGER_FORMAT
	       " tcp, %" JSON_INTEGER_FORMAT " udp, %" JSON_INTEGER_FORMAT
	       " icmp, %" JSON_INTEGER_FORMAT " other\n",
	       all, all == 1 ? "" : "s", tcp, udp, icmp, ip);
}

static void show_cleared(const struct dp *d, const json_t *a)
{
	json_int_t n = json_integer_value(json_object_get(a, "cleared"));

	printf("%" JSON_INTEGER_FORMAT " flow%s cleared\n", n,
	       n == 1 ? "" : "s");
}

static void show_flows(const struct dp *d, const json_t *a)
{
	dpshow_flows(&d->out, a, 0);
}

static void show_blocks(const struct dp *d, const json_t *a)
{
	dpshow_blocks(&d->out, a, 0);
}

static void show_connections(const struct dp *d, const json_t *a)
{
	dpshow_connections(&d->out, a);
}

static void show_threats(const struct dp *d, const json_t *a)
{
	dpshow_threats(&d->out, a);
}

static void show_findings(const struct dp *d, const json_t *a)
{
	dpshow_findings(&d->out, a);
}

static void show_meters(const struct dp *d, const json_t *a)
{
	dpshow_meters(&d->out, a);
}

static void show_stats(const struct dp *d, const json_t *a)
{
	dpshow_tree(&d->out, a, d->all);
}

/* One message a line, and the whole an array that can be sent again. */
static void show_config(const struct dp *d, const json_t *a)
{
	const json_t *messages = json_object_get(a, "messages");
	const json_t *m;
	size_t i;

	printf("[");
	json_array_foreach (messages, i, m) {
		printf("%s\n", i > 0 ? "," : "");
		(void)json_dumpf(m, stdout, JSON_COMPACT);
	}
	printf("\n]\n");
}

/* Can be edited, and given to `settings` again. */
static void show_settings(const struct dp *d, const json_t *a)
{
	(void)json_dumpf(json_object_get(a, "settings"), stdout,
			 JSON_INDENT(2));
	printf("\n");
}

static void show_version(const struct dp *d, const json_t *a)
{
	const char *version = "?";
	json_int_t pid = 0;

	(void)json_unpack((json_t *)(uintptr_t)a, "{s?s, s?I}", "version",
			  &version, "pid", &pid);
	printf("weir-dp %s, pid %" JSON_INTEGER_FORMAT "\n", version, pid);
}

static const struct verb {
	const char *word, *message;
	void (*show)(const struct dp *d, const json_t *answer);
	enum { TAKES_NOTHING, TAKES_ID, TAKES_BODY } takes; /* or nothing */
} verbs[] = {
	{ "flows", "ctrl_list_session", show_flows, TAKES_NOTHING },
	{ "blocks", "weir_blocks", show_blocks, TAKES_NOTHING },
	{ "connections", "weir_connections", show_connections, TAKES_NOTHING },
	{ "threats", "weir_threats", show_threats, TAKES_NOTHING },
	{ "findings", "weir_findings", show_findings, TAKES_NOTHING },
	{ "meters", "ctrl_list_meter", show_meters, TAKES_NOTHING },
	{ "stats", "weir_stats", show_stats, TAKES_NOTHING },
	{ "config", "weir_config", show_config, TAKES_NOTHING },
	{ "count", "ctrl_count_session", show_count, TAKES_NOTHING },
	{ "clear", "ctrl_clear_session", show_cleared, TAKES_ID },
	{ "settings", "weir_settings", show_settings, TAKES_BODY },
	{ "version", "weir_version", show_version, TAKES_NOTHING },
};

static const struct verb *find_verb(const char *word)
{
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (strcmp(verbs[i].word, word) == 0)
			return &verbs[i];
	return NULL;
}

static int parse_id(const char *t, uint32_t *ret, struct err *reterr)
{
	unsigned long id;
	char *end;

	errno = 0;
	id = strtoul(t, &end, 10);
	if (t[0] < '0' || t[0] > '9' || *end || errno || id > UINT32_MAX)
		return err_set(reterr, EINVAL, "ID",
			       "\"%s\" is not the number of a flow (see weir "
			       "dp flows -o json)",
			       t);
	*ret = (uint32_t)id;
	return 0;
}

static int ask_clear(struct dp *d, json_t **ret, struct err *reterr)
{
	uint32_t id = 0;
	json_t *m;
	int rc;

	if (d->argument) {
		rc = parse_id(d->argument, &id, reterr);
		if (rc < 0)
			return rc;
	}
	m = json_pack("{s:{s:I}}", "ctrl_clear_session", "filter_id",
		      (json_int_t)id);
	rc = dpclient_ask(&d->client, m, ret, reterr);
	json_decref(m);
	return rc;
}

static int ask_body(struct dp *d, const char *name, const json_t *body,
		    json_t **ret, struct err *reterr)
{
	json_t *m = json_pack("{s:O}", name, body);
	int rc = dpclient_ask(&d->client, m, ret, reterr);

	json_decref(m);
	return rc;
}

/* In text the code comes first; JSON has a member for it. */
static int tell_refusal(const struct dp *d, const struct err *err)
{
	struct err with_code = *err;

	if (!d->out.json)
		(void)err_set(&with_code, err->code, err->at, "%s: %s",
			      err_code_name(err->code), err->text);
	return out_error(&d->out, "dp", &with_code);
}

/* body: what the message says; NULL: nothing */
static int run_verb(struct dp *d, const struct verb *v, const json_t *body)
{
	json_t *answer = NULL;
	struct err err = { 0 };
	int rc;

	if (v->takes == TAKES_ID)
		rc = ask_clear(d, &answer, &err);
	else if (body)
		rc = ask_body(d, v->message, body, &answer, &err);
	else if (strcmp(v->message, "ctrl_list_session") == 0)
		rc = dpclient_flows(&d->client, &answer, &err);
	else if (strcmp(v->word, "connections") == 0 ||
		 strcmp(v->word, "threats") == 0 ||
		 strcmp(v->word, "findings") == 0)
		rc = dpclient_told(&d->client, v->word, d->raw, &answer, &err);
	else
		rc = dpclient_ask_name(&d->client, v->message, &answer, &err);
	if (rc < 0)
		return tell_refusal(d, &err);
	if (d->out.json) {
		(void)json_object_del(answer, "id");
		out_json(answer);
		return CLI_OK;
	}
	/* what is printed as JSON has escapes of its own, and is read again */
	if (v->show != show_config && v->show != show_settings)
		visible_make(answer);
	v->show(d, answer);
	json_decref(answer);
	return CLI_OK;
}

/* --- messages of the caller's own ------------------------------------- */

/* Room for more; NULL (and buf is freed) beyond OWN_MEMFD_MAX. */
static char *grow(char *buf, size_t *size)
{
	char *grown = NULL;

	if (*size < OWN_MEMFD_MAX)
		grown = realloc(buf, *size + 65536);
	if (!grown) {
		free(buf);
		return NULL;
	}
	*size += 65536;
	return grown;
}

/* All there is to read; *ret is the caller's to free(). */
static int read_fd(int fd, char **ret, size_t *ret_len, struct err *reterr)
{
	size_t len = 0, size = 0;
	char *buf = NULL;
	ssize_t n;

	do {
		if (len == size)
			buf = grow(buf, &size);
		if (!buf)
			return err_set(reterr, E2BIG, NULL,
				       "more than %u bytes", OWN_MEMFD_MAX);
		n = read(fd, buf + len, size - len);
		len += n > 0 ? (size_t)n : 0;
	} while (n > 0);
	if (n < 0) {
		free(buf);
		return err_set(reterr, errno, NULL, "%s", strerror(errno));
	}
	*ret = buf;
	*ret_len = len;
	return 0;
}

static int read_source(const char *what, char **ret, size_t *ret_len,
		       struct err *reterr)
{
	int fd = STDIN_FILENO;
	int rc;

	if (what[0] == '@')
		fd = open(what + 1, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_set(reterr, errno, what + 1, "%s", strerror(errno));
	rc = read_fd(fd, ret, ret_len, reterr);
	if (fd != STDIN_FILENO)
		close(fd);
	if (rc < 0)
		err_prefix(reterr, what[0] == '@' ? what + 1 : what);
	return rc;
}

/* The messages as an array; a single one becomes an array of it. */
static int load_messages(const char *t, size_t len, json_t **ret,
			 bool *ret_single, struct err *reterr)
{
	json_t *v = ctrl_load(t, len, reterr);
	bool single = json_is_object(v);

	if (!v)
		return -EINVAL;
	if (single)
		v = json_pack("[o]", v);
	if (!json_is_array(v) || json_array_size(v) == 0) {
		json_decref(v);
		return err_set(reterr, EINVAL, NULL,
			       "expected a message, {\"NAME\":{...}}, or an "
			       "array of messages");
	}
	for (size_t i = 0; i < json_array_size(v); i++)
		if (json_object_size(json_array_get(v, i)) != 1) {
			json_decref(v);
			return err_set(reterr, EINVAL, NULL,
				       "message %zu: expected an object with "
				       "one member, {\"NAME\":{...}}",
				       i + 1);
		}
	*ret = v;
	*ret_single = single;
	return 0;
}

/* All in order, to the first refusal. *ret: the last answer. */
static int send_messages(struct dp *d, const json_t *messages, bool single,
			 json_t **ret, struct err *reterr)
{
	json_t *answer = NULL;
	const json_t *m;
	size_t i;

	json_array_foreach (messages, i, m) {
		char at[32];
		int rc;

		json_decref(answer);
		answer = NULL;
		rc = dpclient_ask(&d->client, m, &answer, reterr);
		if (rc < 0) {
			(void)snprintf(at, sizeof at, "[%zu]", i);
			if (!single)
				err_prefix(reterr, at);
			return rc;
		}
	}
	*ret = answer;
	return 0;
}

static void show_raw(const struct dp *d, json_t *answer, size_t n, bool single)
{
	(void)json_object_del(answer, "id");
	if (d->out.json) {
		json_t *r = single ? json_incref(answer) : out_json_ok();

		if (!single)
			(void)json_object_set_new(r, "accepted",
						  json_integer((json_int_t)n));
		out_json(r);
		return;
	}
	(void)json_object_del(answer, "ok");
	if (!single) {
		printf("%zu message%s accepted\n", n, n == 1 ? "" : "s");
	} else if (json_object_size(answer) == 0) {
		printf("accepted\n");
	} else {
		(void)json_dumpf(answer, stdout, JSON_INDENT(2));
		printf("\n");
	}
}

static int run_raw(struct dp *d, const json_t *messages, bool single)
{
	json_t *answer = NULL;
	struct err err = { 0 };

	if (send_messages(d, messages, single, &answer, &err) < 0)
		return tell_refusal(d, &err);
	show_raw(d, answer, json_array_size(messages), single);
	json_decref(answer);
	return CLI_OK;
}

/* --- the command line ------------------------------------------------- */

/* false: it ends here, with *ret_exit */
static bool parse_options(struct dp *d, int argc, char **argv, int *ret_exit)
{
	static const struct option longs[] = {
		{ "all", no_argument, NULL, 'a' },
		{ "raw", no_argument, NULL, 'r' },
		{ "control", required_argument, NULL, 'c' },
		{ "output", required_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct err err = { 0 };
	int c;

	optind = 1;
	opterr = 0;
	while (!err.code &&
	       (c = getopt_long(argc, argv, "o:h", longs, NULL)) >= 0)
		switch (c) {
		case 'a': d->all = true; break;
		case 'r': d->raw = true; break;
		case 'c': d->control = optarg; break;
		case 'o': (void)out_set_format(&d->out, optarg, &err); break;
		case 'h':
			printf("%s", help_text);
			*ret_exit = CLI_OK;
			return false;
		default:
			(void)err_set(&err, EINVAL, argv[optind - 1],
				      "no such option, or its value is "
				      "missing");
		}
	if (!err.code && optind == argc)
		(void)err_set(&err, EINVAL, NULL,
			      "say what: flows, blocks, connections, threats, "
			      "findings, "
			      "meters, stats, config, count, clear, settings, "
			      "version, explain, a JSON message, @FILE or -");
	else if (!err.code && d->all && strcmp(argv[optind], "stats") != 0)
		(void)err_set(&err, EINVAL, "--all", "only with stats");
	else if (!err.code && d->raw && strcmp(argv[optind], "findings") != 0)
		(void)err_set(&err, EINVAL, "--raw", "only with findings");
	else if (!err.code && optind + 2 < argc)
		(void)err_set(&err, EINVAL, argv[optind + 2],
			      "one argument too many");
	if (err.code) {
		*ret_exit = out_usage(&d->out, "dp", &err);
		return false;
	}
	d->what = argv[optind];
	d->argument = argv[optind + 1];
	return true;
}

static bool is_raw(const char *what)
{
	return what[strspn(what, " \t\n")] == '{' ||
	       what[strspn(what, " \t\n")] == '[';
}

static bool is_source(const char *what)
{
	return what[0] == '@' || strcmp(what, "-") == 0;
}

static int check_words(const struct dp *d, const struct verb *v,
		       struct err *reterr)
{
	uint32_t id;

	if (!v && !is_raw(d->what) && !is_source(d->what))
		return err_set(reterr, EINVAL, d->what,
			       "neither a word known here nor a JSON message");
	if (!d->argument)
		return 0;
	if (v && v->takes == TAKES_ID)
		return parse_id(d->argument, &id, reterr);
	if (!v || v->takes == TAKES_NOTHING)
		return err_set(reterr, EINVAL, d->argument,
			       "%s takes no argument",
			       v ? v->word : "a message");
	if (!is_raw(d->argument) && !is_source(d->argument))
		return err_set(reterr, EINVAL, d->argument,
			       "neither JSON nor where to read it from");
	return 0;
}

/*
 * Reads and checks what is to be sent, before anybody is spoken to. *ret_json:
 * the messages; of a verb what its message says, NULL: nothing.
 */
static int prepare(struct dp *d, const struct verb *v, json_t **ret_json,
		   bool *ret_single, int *ret_exit)
{
	const char *what = v ? d->argument : d->what;
	struct err err = { 0 };
	char *read = NULL;
	size_t len = 0;
	int rc = check_words(d, v, &err);

	if (rc == 0 && what)
		len = strlen(what);
	if (rc == 0 && what && is_source(what) &&
	    read_source(what, &read, &len, &err) < 0) {
		*ret_exit = out_error(&d->out, "dp", &err);
		return -EIO;
	}
	if (rc == 0 && !v) {
		rc = load_messages(read ? read : what, len, ret_json,
				   ret_single, &err);
	} else if (rc == 0 && what && v->takes == TAKES_BODY) {
		*ret_json = ctrl_load(read ? read : what, len, &err);
		rc = *ret_json ? 0 : -EINVAL;
	}
	free(read);
	if (rc < 0)
		*ret_exit = out_usage(&d->out, "dp", &err);
	return rc;
}

int cmd_dp(int argc, char **argv)
{
	struct dp d = { .out = out_default(),
			.control = DP_CONTROL_DEFAULT,
			.client = { .fd = -1 } };
	json_t *json = NULL;
	struct err err = { 0 };
	const struct verb *v;
	bool single = false;
	int code;

	/* The only word with options of its own. */
	if (argc > 1 && strcmp(argv[1], "explain") == 0)
		return cmd_dp_explain(argc - 1, argv + 1);
	if (!parse_options(&d, argc, argv, &code))
		return code;
	v = find_verb(d.what);
	if (prepare(&d, v, &json, &single, &code) < 0)
		return code;
	if (dpclient_open(d.control, &d.client, &err) < 0)
		code = out_error(&d.out, "dp", &err);
	else
		code = v ? run_verb(&d, v, json) : run_raw(&d, json, single);
	dpclient_done(&d.client);
	json_decref(json);
	return code;
}
