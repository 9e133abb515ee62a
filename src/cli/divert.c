/*
 * weir divert, mode, release: the network library's inplace_* calls, from the
 * command line.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/agentcmd.h"
#include "cli/cli.h"
#include "cli/out.h"
#include "net/inplace.h"
#include "net/splice.h"

static const char help_text[] =
	"Usage: weir divert  --netns NS | --dev DEV [OPTION]...\n"
	"       weir divert  show\n"
	"       weir mode    --netns NS | --dev DEV MODE [OPTION]...\n"
	"       weir release --netns NS | --dev DEV | --all\n"
	"\n"
	"Diverts a workload's port in place, at its host-side end: nothing of\n"
	"the workload is moved or changed. A data plane in this namespace "
	"reads\n"
	"and writes its frames on vth.\n"
	"\n"
	"  --netns NS          the workload's namespace: a name of `ip "
	"netns`,\n"
	"                      or a path such as /proc/4711/ns/net\n"
	"  --dev DEV           with --netns: the workload's device (eth0);\n"
	"                      else: the host-side veth, or a VM's tap\n"
	"  --mac MAC           who is behind a tap\n"
	"  --mark HHLL         last two bytes of its mark 4e:65:75:56:HH:LL\n"
	"                      (default: from the device's ifindex)\n"
	"  --mode MODE         pass: not looked at; tap: the data plane gets "
	"a\n"
	"                      copy; inline: it decides; quarantine: nothing\n"
	"                      passes but with allowed peers; hold: the same, "
	"for\n"
	"                      what has no policy yet (default: pass)\n"
	"  --allow NET         a peer that quarantine and hold let through: "
	"an\n"
	"                      address or network; again for more; none: "
	"nobody\n"
	"  --hold drop|pass    what hold does with all others (drop)\n"
	"  --on-failure F      closed or open: what inline does while no data\n"
	"                      plane is there (closed)\n"
	"  --only-ip, --not-only-ip\n"
	"                      is what is neither IP nor ARP dropped, or "
	"passed? (passed)\n"
	"  --clsact            do not use TCX\n"
	"  --all               all that is diverted in this namespace\n"
	"  -o text|json        how to print\n"
	"\n"
	"Examples:\n"
	"  weir divert --netns web --mode tap\n"
	"  weir mode --netns web inline\n"
	"  weir mode --netns web quarantine --allow 10.0.0.7 --allow "
	"fd00::/64\n"
	"  weir divert show\n"
	"  weir release --all\n";

struct divert_args {
	const char *name; /* of the command */
	struct out out;
	struct inplace_spec spec;
	struct inplace_change change; /* what of spec was said */
	bool allow_none;	      /* --allow none was said */
	unsigned given;		      /* options, BIT(OPT_...) */
	bool all;
	const char *rest; /* the word behind the options; NULL */
};

enum {
	OPT_NETNS = 256,
	OPT_DEV,
	OPT_MAC,
	OPT_MARK,
	OPT_MODE,
	OPT_FAILURE,
	OPT_HOLD,
	OPT_ALLOW,
	OPT_ONLY_IP,
	OPT_NOT_ONLY_IP,
	OPT_CLSACT,
	OPT_ALL
};

#define BIT(option)  (1u << ((option)-OPT_NETNS))
#define PORT_OPTIONS (BIT(OPT_NETNS) | BIT(OPT_DEV))
#define MODE_OPTIONS                                                        \
	(PORT_OPTIONS | BIT(OPT_FAILURE) | BIT(OPT_HOLD) | BIT(OPT_ALLOW) | \
	 BIT(OPT_ONLY_IP) | BIT(OPT_NOT_ONLY_IP))
#define RELEASE_OPTIONS (PORT_OPTIONS | BIT(OPT_ALL))
#define DIVERT_OPTIONS	(~BIT(OPT_ALL))

static const struct option longs[] = {
	{ "netns", required_argument, NULL, OPT_NETNS },
	{ "dev", required_argument, NULL, OPT_DEV },
	{ "mac", required_argument, NULL, OPT_MAC },
	{ "mark", required_argument, NULL, OPT_MARK },
	{ "mode", required_argument, NULL, OPT_MODE },
	{ "on-failure", required_argument, NULL, OPT_FAILURE },
	{ "hold", required_argument, NULL, OPT_HOLD },
	{ "allow", required_argument, NULL, OPT_ALLOW },
	{ "only-ip", no_argument, NULL, OPT_ONLY_IP },
	{ "not-only-ip", no_argument, NULL, OPT_NOT_ONLY_IP },
	{ "clsact", no_argument, NULL, OPT_CLSACT },
	{ "all", no_argument, NULL, OPT_ALL },
	{ "output", required_argument, NULL, 'o' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static int parse_mac(const char *text, struct mac *ret, struct err *reterr)
{
	struct mac m;

	if (mac_parse(text, &m) == 0 && !mac_is_group(m) && !mac_is_zero(m)) {
		*ret = m;
		return 0;
	}
	return err_set(reterr, EINVAL, "--mac",
		       "expected a unicast MAC, got \"%.20s\"", text);
}

static int parse_allow(struct divert_args *a, const char *text,
		       struct err *reterr)
{
	bool none = strcmp(text, "none") == 0;

	if (a->change.allow && (none || a->allow_none))
		return err_set(reterr, EINVAL, "--allow",
			       "none and others contradict each other");
	a->change.allow = &a->spec.allow;
	a->allow_none = none;
	if (none)
		return 0;
	return inplace_allow_add(&a->spec.allow, text, reterr);
}

/* What `weir mode` may change, too. -ENOENT: it is not one of those. */
static int change_option(struct divert_args *a, int c, struct err *reterr)
{
	struct inplace_spec *s = &a->spec;
	int rc = 0;

	switch (c) {
	case OPT_FAILURE:
		rc = inplace_failure_parse(optarg, &s->failure, reterr);
		a->change.failure = (int)s->failure;
		return rc;
	case OPT_HOLD:
		rc = inplace_hold_parse(optarg, &s->hold, reterr);
		a->change.hold = (int)s->hold;
		return rc;
	case OPT_ALLOW: return parse_allow(a, optarg, reterr);
	case OPT_ONLY_IP:
	case OPT_NOT_ONLY_IP:
		s->only_ip = c == OPT_ONLY_IP;
		a->change.only_ip = s->only_ip;
		return 0;
	default: return -ENOENT;
	}
}

/* word: where it stands on the command line */
static int one_option(struct divert_args *a, int c, const char *word,
		      struct err *reterr)
{
	struct inplace_spec *s = &a->spec;
	int rc = change_option(a, c, reterr);

	if (rc != -ENOENT)
		return rc;
	switch (c) {
	case OPT_NETNS: s->port.netns = optarg; return 0;
	case OPT_DEV: s->port.dev = optarg; return 0;
	case OPT_MAC: return parse_mac(optarg, &s->mac, reterr);
	case OPT_MARK: return cli_parse_mark(optarg, &s->mark, reterr);
	case OPT_MODE: return inplace_mode_parse(optarg, &s->mode, reterr);
	case OPT_CLSACT: s->only_clsact = true; return 0;
	case OPT_ALL: a->all = true; return 0;
	case 'o': return out_set_format(&a->out, optarg, reterr);
	default:
		return err_set(reterr, EINVAL, word,
			       "no such option, or its value is missing");
	}
}

/* An option that this command does nothing with is not passed over. */
static int check_given(const struct divert_args *a, unsigned allowed,
		       struct err *reterr)
{
	for (size_t i = 0; longs[i].name; i++)
		if (longs[i].val >= OPT_NETNS &&
		    a->given & BIT(longs[i].val) & ~allowed)
			return err_set(reterr, EINVAL, NULL,
				       "--%s is not an option of weir %s",
				       longs[i].name, a->name);
	return 0;
}

/*
 * allowed: the options, of BIT(). CLI_OK to go on; -1: help was printed; or an
 * exit code.
 */
static int parse(struct divert_args *a, unsigned allowed, int argc, char **argv)
{
	struct err err = { 0 };
	int c;

	*a = (struct divert_args){ .name = argv[0],
				   .out = out_default(),
				   .spec = { .mark = INPLACE_MARK_AUTO },
				   .change = INPLACE_CHANGE_NOTHING };
	opterr = 0;
	optind = 1;
	while ((c = getopt_long(argc, argv, "o:h", longs, NULL)) >= 0) {
		if (c == 'h') {
			fputs(help_text, stdout);
			return -1;
		}
		if (one_option(a, c, argv[optind - 1], &err) < 0)
			return out_usage(&a->out, a->name, &err);
		if (c >= OPT_NETNS)
			a->given |= BIT(c);
	}
	if (check_given(a, allowed, &err) < 0)
		return out_usage(&a->out, a->name, &err);
	a->rest = optind < argc ? argv[optind++] : NULL;
	if (optind < argc) {
		(void)err_set(&err, EINVAL, argv[optind],
			      "unexpected argument");
		return out_usage(&a->out, a->name, &err);
	}
	return CLI_OK;
}

static int usage(const struct divert_args *a, const char *at, const char *text)
{
	struct err err;

	(void)err_set(&err, EINVAL, at, "%s", text);
	return out_usage(&a->out, a->name, &err);
}

static const char *const counter_names[] = {
#define X(name, text) text,
	INPLACE_COUNTERS(X)
#undef X
};

static json_t *counts_json(const struct inplace_stat *s, enum inplace_way way)
{
	json_t *o = json_object();

	for (int i = 0; i < INPLACE_COUNTER__MAX; i++)
		(void)json_object_set_new(
			o, counter_names[i],
			json_pack("{s:I,s:I}", "frames",
				  (json_int_t)s->counts.frames[way][i], "bytes",
				  (json_int_t)s->counts.bytes[way][i]));
	return o;
}

static struct mac mac_of(const uint8_t b[static 6])
{
	struct mac m;

	memcpy(m.b, b, sizeof m.b);
	return m;
}

static json_t *allow_json(const struct inplace_allow *list)
{
	json_t *array = json_array();
	char net[IP_NET_TEXT_MAX];

	for (size_t i = 0; i < list->n; i++)
		(void)json_array_append_new(
			array, json_string(ip_net_format(list->nets[i], net)));
	return array;
}

static json_t *stat_json(const struct inplace_stat *s)
{
	char mac[MAC_TEXT_MAX], uc[MAC_TEXT_MAX], bc[MAC_TEXT_MAX];

	return json_pack(
		"{s:s,s:I,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:o,s:b,s:s,s:s,s:b,s:b,"
		"s:o,s:o}",
		"dev", s->dev, "ifindex", (json_int_t)s->ifindex, "iface",
		SPLICE_VTH, "mac", mac_format(mac_of(s->ep.mac), mac), "ucmac",
		mac_format(s->ucmac, uc), "bcmac", mac_format(s->bcmac, bc),
		"mode", inplace_mode_name((enum inplace_mode)s->ep.mode),
		"on_failure",
		inplace_failure_name((enum inplace_failure)s->ep.failure),
		"hold", inplace_hold_name((enum inplace_hold)s->ep.hold),
		"allow", allow_json(&s->allow), "only_ip", s->ep.only_ip,
		"hook_in", hook_kind_name(s->hooks[INPLACE_IN]), "hook_out",
		hook_kind_name(s->hooks[INPLACE_OUT]), "first_in",
		s->first[INPLACE_IN], "first_out", s->first[INPLACE_OUT], "in",
		counts_json(s, INPLACE_IN), "out", counts_json(s, INPLACE_OUT));
}

static void print_counts(const struct inplace_stat *s)
{
	for (int i = 0; i < INPLACE_COUNTER__MAX; i++)
		if (s->counts.frames[INPLACE_IN][i] ||
		    s->counts.frames[INPLACE_OUT][i])
			printf("  %-19s %12llu frames in %12llu out\n",
			       counter_names[i],
			       (unsigned long long)
				       s->counts.frames[INPLACE_IN][i],
			       (unsigned long long)
				       s->counts.frames[INPLACE_OUT][i]);
}

static void print_allow(const struct inplace_allow *list)
{
	char net[IP_NET_TEXT_MAX];

	if (list->n == 0)
		return;
	printf("  allowed:");
	for (size_t i = 0; i < list->n; i++)
		printf(" %s", ip_net_format(list->nets[i], net));
	printf("\n");
}

static void print_stat(const struct out *o, const struct inplace_stat *s)
{
	char mac[MAC_TEXT_MAX], uc[MAC_TEXT_MAX];

	printf("%s%s%s  mode %s, on failure %s%s\n", out_colour(o, OUT_BOLD),
	       s->dev[0] ? s->dev : "(gone)", out_colour(o, OUT_PLAIN),
	       inplace_mode_name((enum inplace_mode)s->ep.mode),
	       inplace_failure_name((enum inplace_failure)s->ep.failure),
	       s->ep.only_ip ? ", only IP" : "");
	printf("  mac %s   mark %s   %s in, %s out\n",
	       mac_format(mac_of(s->ep.mac), mac), mac_format(s->ucmac, uc),
	       hook_kind_name(s->hooks[INPLACE_IN]),
	       hook_kind_name(s->hooks[INPLACE_OUT]));
	for (int way = 0; way < 2; way++)
		if (s->hooks[way] != HOOK_NONE && !s->first[way])
			printf("  another program is before ours on the way "
			       "%s; it may take frames away unseen\n",
			       way == INPLACE_IN ? "in" : "out");
	if (s->ep.mode == INPLACE_HOLD || s->ep.hold != INPLACE_HOLD_DROP)
		printf("  on hold: %s\n",
		       inplace_hold_name((enum inplace_hold)s->ep.hold));
	print_allow(&s->allow);
	print_counts(s);
}

static int show(const struct divert_args *a)
{
	struct inplace_stat *list;
	json_t *array = json_array();
	struct err err;
	size_t n;

	if (inplace_list(&list, &n, &err) < 0) {
		json_decref(array);
		return out_error(&a->out, "divert show", &err);
	}
	for (size_t i = 0; i < n; i++)
		if (a->out.json)
			(void)json_array_append_new(array, stat_json(&list[i]));
		else
			print_stat(&a->out, &list[i]);
	if (a->out.json) {
		json_t *o = out_json_ok();

		(void)json_object_set(o, "diverted", array);
		out_json(o);
	} else if (n == 0) {
		puts("nothing is diverted in this namespace");
	}
	json_decref(array);
	free(list);
	return CLI_OK;
}

static int need_port(const struct divert_args *a)
{
	if (a->spec.port.netns || a->spec.port.dev)
		return CLI_OK;
	return usage(a, NULL,
		     "say which: a name (of the agent's), or --netns "
		     "or --dev");
}

/* Is one of these among the options? */
static bool says(int argc, char **argv, const char *const *options)
{
	for (int i = 1; i < argc; i++)
		for (const char *const *o = options; *o; o++) {
			size_t len = strlen(*o);

			/* "--all" is not "--allow"; "--netns=web" is --netns */
			if (strncmp(argv[i], *o, len) == 0 &&
			    (argv[i][len] == '\0' || argv[i][len] == '='))
				return true;
		}
	return false;
}

/*
 * Is a workload or group meant, which the agent knows, and not a port? Without
 * an argument, --help of ports tells of both.
 */
static bool is_for_agent(int argc, char **argv)
{
	static const char *const ports[] = { "--netns", "--dev", "--all",
					     "--help",	"-h",	 NULL };

	return argc > 1 && !says(argc, argv, ports) &&
	       strcmp(argv[1], "show") != 0;
}

/* Whatever is diverted is the agent's, if there is one. */
static bool agent_is_there(int argc, char **argv)
{
	static const char *const agent[] = { "--socket", NULL };
	const char *path = getenv("WEIR_SOCKET");
	struct agentclient c;
	struct err ignored;

	if (says(argc, argv, agent))
		return true;
	if (agentclient_open(path && path[0] ? path : AGENT_SOCKET_DEFAULT, &c,
			     &ignored) < 0)
		return false;
	agentclient_done(&c);
	return true;
}

static bool says_all(int argc, char **argv)
{
	static const char *const all[] = { "--all", NULL };

	return says(argc, argv, all);
}

int cmd_divert(int argc, char **argv)
{
	struct inplace_stat s;
	struct divert_args a;
	struct err err;
	int rc;

	if (is_for_agent(argc, argv) || says_all(argc, argv))
		return agent_cmd_run(&agent_divert_cmd, argc, argv);
	rc = parse(&a, DIVERT_OPTIONS, argc, argv);
	if (rc != CLI_OK)
		return rc < 0 ? CLI_OK : rc;
	if (a.rest && strcmp(a.rest, "show") == 0)
		return show(&a);
	if (a.rest)
		return usage(&a, a.rest, "unexpected argument");
	rc = need_port(&a);
	if (rc != CLI_OK)
		return rc;
	if (inplace_add(&a.spec, &s, &err) < 0)
		return out_error(&a.out, a.name, &err);
	if (a.out.json) {
		json_t *o = out_json_ok();

		(void)json_object_set_new(o, "divert", stat_json(&s));
		out_json(o);
	} else {
		print_stat(&a.out, &s);
	}
	return CLI_OK;
}

/* The end of a command that says nothing but that it is done. */
static int done(const struct divert_args *a, int rc, const struct err *err)
{
	if (rc < 0)
		return out_error(&a->out, a->name, err);
	if (a->out.json)
		out_json(out_json_ok());
	return CLI_OK;
}

int cmd_mode(int argc, char **argv)
{
	struct divert_args a;
	enum inplace_mode mode;
	struct err err;
	int rc;

	if (is_for_agent(argc, argv))
		return agent_cmd_run(&agent_mode_cmd, argc, argv);
	rc = parse(&a, MODE_OPTIONS, argc, argv);
	if (rc != CLI_OK)
		return rc < 0 ? CLI_OK : rc;
	rc = need_port(&a);
	if (rc != CLI_OK)
		return rc;
	if (!a.rest)
		return usage(&a, NULL,
			     "which mode? pass, tap, inline, quarantine or "
			     "hold");
	if (inplace_mode_parse(a.rest, &mode, &err) < 0)
		return out_usage(&a.out, a.name, &err);
	a.change.mode = (int)mode;
	rc = inplace_set(&a.spec.port, &a.change, &err);
	return done(&a, rc, &err);
}

int cmd_release(int argc, char **argv)
{
	struct divert_args a;
	struct err err;
	int rc;

	if (is_for_agent(argc, argv) ||
	    (says_all(argc, argv) && agent_is_there(argc, argv)))
		return agent_cmd_run(&agent_release_cmd, argc, argv);
	rc = parse(&a, RELEASE_OPTIONS, argc, argv);
	if (rc != CLI_OK)
		return rc < 0 ? CLI_OK : rc;
	if (a.rest)
		return usage(&a, a.rest, "unexpected argument");
	rc = a.all ? CLI_OK : need_port(&a);
	if (rc != CLI_OK)
		return rc;
	rc = a.all ? inplace_del_all(&err) : inplace_del(&a.spec.port, &err);
	return done(&a, rc, &err);
}
