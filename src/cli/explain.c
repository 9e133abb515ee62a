/*
 * The data plane answers, by the code that judges packets; here is only the
 * question put and the answer told.
 */
#include "cli/explain.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <string.h>

#include "base/addr.h"
#include "cli/cli.h"
#include "cli/out.h"
#include "door/dpclient.h"

static const char help_text[] =
	"Usage: weir dp explain --from IP --to IP --proto PROTO [--port PORT]\n"
	"                       [--app NAME] [--vhost NAME] [--workload MAC]\n"
	"                       [--control PATH] [-o text|json]\n"
	"\n"
	"Tells for each workload at either end whether its policy lets this\n"
	"connection be, and which rule, switch or default says so.\n"
	"\n"
	"      --from IP       the client\n"
	"      --to IP         the server\n"
	"      --proto PROTO   tcp, udp, icmp, icmpv6, sctp or a number\n"
	"      --port PORT     the server's port; of tcp, udp and sctp it "
	"must\n"
	"                      be said\n"
	"      --app NAME      what they speak, by name or number: http, tls,\n"
	"                      mysql, ...; \"unknown\" for what was not "
	"recognised\n"
	"      --vhost NAME    the host name the client asks for\n"
	"      --request \"FIELD=VALUE ...\"\n"
	"                      what it asks, as rules name it: "
	"http.method=GET\n"
	"      --workload MAC  only for that workload\n"
	"      --control PATH  the data plane's door "
	"(default " DP_CONTROL_DEFAULT ")\n"
	"  -o, --output text|json\n"
	"  -h, --help\n"
	"\n"
	"Exits with 0 when all of them let it be, 1 when one does not, the\n"
	"question was refused or nobody answered, 2 when the command line was "
	"not understood.\n"
	"\n"
	"Example:\n"
	"  weir dp explain --from 10.10.10.88 --to 10.20.0.1 --proto tcp "
	"--port 443\n";

struct explain {
	struct out out;
	const char *control;
	json_t *fields; /* of weir_explain */
};

static const struct option longs[] = {
	{ "from", required_argument, NULL, 'f' },
	{ "to", required_argument, NULL, 't' },
	{ "proto", required_argument, NULL, 'p' },
	{ "port", required_argument, NULL, 'P' },
	{ "app", required_argument, NULL, 'a' },
	{ "vhost", required_argument, NULL, 'v' },
	{ "request", required_argument, NULL, 'r' },
	{ "workload", required_argument, NULL, 'w' },
	{ "control", required_argument, NULL, 'c' },
	{ "output", required_argument, NULL, 'o' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

/* The option's value as a field of the same name. */
static void set_text(struct explain *e, const char *name, const char *text)
{
	(void)json_object_set_new(e->fields, name, json_string(text));
}

static void set_ip(struct explain *e, const char *at, const char *name,
		   const char *text, struct err *reterr)
{
	struct ip_addr a;

	if (ip_parse(text, &a) < 0)
		(void)err_set(reterr, EINVAL, at, "\"%s\" is no IP address",
			      text);
	set_text(e, name, text);
}

static void set_port(struct explain *e, const char *text, struct err *reterr)
{
	unsigned long port;
	char *end;

	errno = 0;
	port = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end || errno || port > 65535)
		(void)err_set(reterr, EINVAL, "--port",
			      "\"%s\" is no port, 0..65535", text);
	(void)json_object_set_new(e->fields, "port",
				  json_integer((json_int_t)port));
}

json_t *explain_request(const char *text, struct err *reterr)
{
	json_t *o = json_object();

	while (*text) {
		size_t len = strcspn(text, " "), name = strcspn(text, "=");

		if (len > 0 && name >= len) {
			(void)err_set(reterr, EINVAL, "--request",
				      "\"%.*s\" is no FIELD=VALUE", (int)len,
				      text);
			json_decref(o);
			return NULL;
		}
		if (len > 0)
			(void)json_object_setn_new(
				o, text, name,
				json_stringn(text + name + 1, len - name - 1));
		text += len + strspn(text + len, " ");
	}
	return o;
}

static void set_request(struct explain *e, const char *text, struct err *reterr)
{
	json_t *request = explain_request(text, reterr);

	if (request)
		(void)json_object_set_new(e->fields, "request", request);
}

static void set_option(struct explain *e, int c, char **argv,
		       struct err *reterr)
{
	switch (c) {
	case 'f': set_ip(e, "--from", "from", optarg, reterr); break;
	case 't': set_ip(e, "--to", "to", optarg, reterr); break;
	case 'p': set_text(e, "proto", optarg); break;
	case 'P': set_port(e, optarg, reterr); break;
	case 'a': set_text(e, "app", optarg); break;
	case 'v': set_text(e, "vhost", optarg); break;
	case 'r': set_request(e, optarg, reterr); break;
	case 'w': set_text(e, "workload", optarg); break;
	case 'c': e->control = optarg; break;
	case 'o': (void)out_set_format(&e->out, optarg, reterr); break;
	default:
		(void)err_set(reterr, EINVAL, argv[optind - 1],
			      "no such option, or its value is missing");
	}
}

/* false: it ends here, with *ret_exit */
static bool parse_options(struct explain *e, int argc, char **argv,
			  int *ret_exit)
{
	static const char *const needed[] = { "from", "to", "proto" };
	struct err err = { 0 };
	int c;

	optind = 1;
	opterr = 0;
	while (!err.code &&
	       (c = getopt_long(argc, argv, "o:h", longs, NULL)) >= 0) {
		if (c == 'h') {
			printf("%s", help_text);
			*ret_exit = CLI_OK;
			return false;
		}
		set_option(e, c, argv, &err);
	}
	if (!err.code && optind < argc)
		(void)err_set(&err, EINVAL, argv[optind],
			      "one argument too many");
	for (size_t i = 0; !err.code && i < sizeof needed / sizeof *needed; i++)
		if (!json_object_get(e->fields, needed[i]))
			(void)err_set(&err, EINVAL, NULL, "say --%s",
				      needed[i]);
	if (err.code) {
		*ret_exit = out_usage(&e->out, "dp explain", &err);
		return false;
	}
	return true;
}

static const char *text(const json_t *o, const char *name)
{
	const char *t = json_string_value(json_object_get(o, name));

	return t ? t : "";
}

static json_int_t number(const json_t *o, const char *name)
{
	return json_integer_value(json_object_get(o, name));
}

static bool passes(const json_t *a)
{
	return json_is_true(json_object_get(a, "passes"));
}

const char *explain_word(const json_t *a, enum out_colour *ret)
{
	*ret = passes(a) ? OUT_GREEN : OUT_RED;
	if (passes(a))
		return "passes";
	return json_is_true(json_object_get(a, "rejected")) ? "is rejected"
							    : "is dropped";
}

void explain_more(const json_t *a)
{
	if (number(a, "threat") > 0)
		printf("  threat %" JSON_INTEGER_FORMAT "'s action: %s\n",
		       number(a, "threat"), text(a, "threat_action"));
	if (text(a, "name")[0])
		printf("  the peer goes by the name %s\n", text(a, "name"));
	if (number(a, "grace_minutes") > 0)
		printf("  but passes for up to %" JSON_INTEGER_FORMAT
		       " minutes more: the policy of that address may still "
		       "be under way\n",
		       number(a, "grace_minutes"));
	if (json_is_true(json_object_get(a, "tapped")))
		printf("  tapped: nothing is stopped here, whatever it "
		       "says\n");
}

static void show_answer(const struct out *o, const json_t *a)
{
	bool in = strcmp(text(a, "direction"), "ingress") == 0;
	enum out_colour c;
	const char *word = explain_word(a, &c);

	printf("%s workload %s: %s%s%s\n", in ? "to" : "from",
	       text(a, "workload"), out_colour(o, c), word,
	       out_colour(o, OUT_PLAIN));
	if (number(a, "rule") > 0)
		printf("  rule %" JSON_INTEGER_FORMAT " says %s",
		       number(a, "rule"), text(a, "action"));
	else
		printf("  %s says %s", text(a, "decided_by"),
		       text(a, "action"));
	printf(" (reason: %s: %s)\n", text(a, "reason"), text(a, "text"));
	explain_more(a);
}

/* Is there a workload, and does every one let it be? */
static bool all_pass(const json_t *answers)
{
	const json_t *a;
	size_t i;

	if (json_array_size(answers) == 0)
		return false;
	json_array_foreach (answers, i, a)
		if (!passes(a))
			return false;
	return true;
}

int explain_status(const json_t *result)
{
	return all_pass(json_object_get(result, "answers")) ? CLI_OK
							    : CLI_FAILED;
}

static int print_result(const struct out *o, const json_t *result)
{
	const json_t *answers = json_object_get(result, "answers");
	const json_t *a;
	size_t i;

	if (json_array_size(answers) == 0)
		printf("no workload is known to have either address: name one "
		       "with --workload\n");
	json_array_foreach (answers, i, a)
		show_answer(o, a);
	if (number(result, "more") > 0)
		printf("... and %" JSON_INTEGER_FORMAT " more\n",
		       number(result, "more"));
	printf("policy version %" JSON_INTEGER_FORMAT "\n",
	       number(result, "version"));
	return explain_status(result);
}

static int show(const struct explain *e, json_t *result)
{
	if (!e->out.json)
		return print_result(&e->out, result);
	(void)json_object_del(result, "id");
	out_json(json_incref(result));
	return explain_status(result);
}

static int ask(struct explain *e)
{
	struct dpclient client = { .fd = -1 };
	json_t *message, *result = NULL;
	struct err err = { 0 };
	int code;

	message = json_pack("{s:O}", "weir_explain", e->fields);
	if (dpclient_open(e->control, &client, &err) < 0 ||
	    dpclient_ask(&client, message, &result, &err) < 0)
		code = out_error(&e->out, "dp explain", &err);
	else
		code = show(e, result);
	json_decref(message);
	json_decref(result);
	dpclient_done(&client);
	return code;
}

int cmd_dp_explain(int argc, char **argv)
{
	struct explain e = { .out = out_default(),
			     .control = DP_CONTROL_DEFAULT,
			     .fields = json_object() };
	int code;

	if (parse_options(&e, argc, argv, &code))
		code = ask(&e);
	json_decref(e.fields);
	return code;
}
