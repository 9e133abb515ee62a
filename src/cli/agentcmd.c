#include "cli/agentcmd.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/visible.h"

#define OPTIONS_MAX 24
#define OPTION_BASE 256
/* Of a list that is changed while its pages are asked for; then it fails. */
#define PAGES_TRIES 8

struct agent_call {
	const struct agent_cmd *cmd;
	struct out out;
	const char *socket;
	const char *node; /* NULL: this one */
	json_t *args;
};

/* --- values ----------------------------------------------------------------- */

static int bad_value(const char *option, const char *want, const char *text,
		     struct err *reterr)
{
	char at[40];

	(void)snprintf(at, sizeof at, "--%s", option);
	return err_set(reterr, EINVAL, at, "expected %s, got \"%.40s\"", want,
		       text);
}

static int parse_number(const char *text, json_int_t *ret, char *ret_unit)
{
	char *end;
	long long v;

	errno = 0;
	v = strtoll(text, &end, 10);
	if (!isdigit((unsigned char)text[0]) || errno || (*end && end[1]))
		return -EINVAL;
	*ret = v;
	*ret_unit = *end;
	return 0;
}

static int parse_ago(const char *text, json_int_t *ret)
{
	static const struct {
		char unit;
		int seconds;
	} units[] = { { '\0', 1 },
		      { 's', 1 },
		      { 'm', 60 },
		      { 'h', 3600 },
		      { 'd', 86400 } };
	json_int_t n;
	char unit;

	if (parse_number(text, &n, &unit) < 0)
		return -EINVAL;
	for (size_t i = 0; i < sizeof units / sizeof *units; i++)
		if (units[i].unit == unit && n <= 3650 * 86400LL) {
			*ret = (json_int_t)time(NULL) - n * units[i].seconds;
			return 0;
		}
	return -EINVAL;
}

/* Takes text. */
static void add_text(json_t *args, const char *member, json_t *text)
{
	json_t *list = json_object_get(args, member);

	if (!list) {
		list = json_array();
		(void)json_object_set_new(args, member, list);
	}
	(void)json_array_append_new(list, text);
}

static int set_value(struct agent_call *c, const struct agent_option *o,
		     const char *text, struct err *reterr)
{
	json_t *v = NULL;
	json_int_t n = 0;
	bool minus;
	char unit = 0;

	switch (o->value) {
	case AGENT_FLAG: v = json_true(); break;
	case AGENT_UNFLAG: v = json_false(); break;
	case AGENT_TEXT:
	case AGENT_TEXTS: v = json_string(text); break;
	case AGENT_NUMBER:
	case AGENT_SIGNED:
		minus = o->value == AGENT_SIGNED && text[0] == '-';
		if (parse_number(text + minus, &n, &unit) < 0 || unit)
			return bad_value(o->name, "a number", text, reterr);
		v = json_integer(minus ? -n : n);
		break;
	case AGENT_AGO:
		if (parse_ago(text, &n) < 0)
			return bad_value(o->name,
					 "how long ago (30s, 15m, 3h, 7d)",
					 text, reterr);
		v = json_integer(n);
		break;
	}
	if (!v)
		return bad_value(o->name, "UTF-8", text, reterr);
	if (o->value == AGENT_TEXTS)
		add_text(c->args, o->member, v);
	else
		(void)json_object_set_new(c->args, o->member, v);
	return 0;
}

/* --- the command line --------------------------------------------------------- */

struct getopt_table {
	struct option longs[OPTIONS_MAX + 5];
	char shorts[2 * OPTIONS_MAX + 8];
};

static void fill_table(const struct agent_option *o, struct getopt_table *t)
{
	size_t n = 0, s;

	(void)snprintf(t->shorts, sizeof t->shorts, "o:h");
	s = strlen(t->shorts);
	for (; o && o->name; o++, n++) {
		bool takes = o->value != AGENT_FLAG && o->value != AGENT_UNFLAG;

		t->longs[n] = (struct option){ o->name,
					       takes ? required_argument
						     : no_argument,
					       NULL, OPTION_BASE + (int)n };
		if (o->letter) {
			t->shorts[s++] = o->letter;
			if (takes)
				t->shorts[s++] = ':';
		}
	}
	t->shorts[s] = '\0';
	t->longs[n++] =
		(struct option){ "output", required_argument, NULL, 'o' };
	t->longs[n++] =
		(struct option){ "socket", required_argument, NULL, 'S' };
	t->longs[n++] = (struct option){ "node", required_argument, NULL, 'N' };
	t->longs[n++] = (struct option){ "help", no_argument, NULL, 'h' };
	t->longs[n] = (struct option){ NULL, 0, NULL, 0 };
}

static const struct agent_option *option_of(const struct agent_option *list,
					    int c)
{
	for (int n = 0; list && list[n].name; n++)
		if (c == OPTION_BASE + n ||
		    (list[n].letter && c == list[n].letter))
			return &list[n];
	return NULL;
}

/* "group mode? ids*": the i-th, and how: '?', '*', or '!' if it must be. */
static bool word_at(const char *words, int i, char *ret, size_t size,
		    char *ret_how)
{
	const char *p = words ? words : "";
	size_t len;

	for (; i > 0 && *p; i--) {
		p += strcspn(p, " ");
		p += strspn(p, " ");
	}
	len = strcspn(p, " ");
	if (len == 0 || len >= size)
		return false;
	*ret_how = p[len - 1] == '?' || p[len - 1] == '*' ? p[len - 1] : '!';
	(void)snprintf(ret, size, "%.*s", (int)(len - (*ret_how != '!')), p);
	return true;
}

/* The next word, if there is one, as that member. 1: it was; 0: there is none. */
static int take_word(struct agent_call *c, const char *member, bool many,
		     int argc, char **argv, struct err *reterr)
{
	json_t *v;

	if (optind == argc)
		return 0;
	v = json_string(argv[optind++]);
	if (!v)
		return err_set(reterr, EINVAL, member, "expected UTF-8");
	if (many)
		add_text(c->args, member, v);
	else
		(void)json_object_set_new(c->args, member, v);
	return 1;
}

static int take_words(struct agent_call *c, int argc, char **argv,
		      struct err *reterr)
{
	char member[32], how;

	for (int i = 0, rc;
	     word_at(c->cmd->words, i, member, sizeof member, &how); i++) {
		do {
			rc = take_word(c, member, how == '*', argc, argv,
				       reterr);
		} while (rc > 0 && how == '*');
		if (rc < 0)
			return rc;
		if (rc == 0 && how == '!')
			return err_set(reterr, EINVAL, NULL, "say which %s",
				       member);
	}
	if (optind < argc)
		return err_set(reterr, EINVAL, argv[optind],
			       "unexpected argument");
	return 0;
}

/* 0; 1: help was printed; -errno */
static int parse(struct agent_call *c, int argc, char **argv,
		 struct err *reterr)
{
	const struct agent_option *o;
	struct getopt_table t;
	struct err later;
	int k, rc, first = 0;

	fill_table(c->cmd->options, &t);
	opterr = 0;
	optind = 1;
	while ((k = getopt_long(argc, argv, t.shorts, t.longs, NULL)) >= 0) {
		o = option_of(c->cmd->options, k);
		if (k == 'h') {
			fputs(c->cmd->help, stdout);
			return 1;
		}
		/* after a mistake -o still says how it is told */
		if (k == 'o')
			rc = out_set_format(&c->out, optarg, &later);
		else if (k == 'S')
			c->socket = optarg, rc = 0;
		else if (k == 'N')
			c->node = optarg, rc = 0;
		else if (o)
			rc = set_value(c, o, optarg, &later);
		else
			rc = err_set(&later, EINVAL, argv[optind - 1],
				     "no such option, or its value is "
				     "missing");
		if (rc < 0 && first == 0) {
			first = rc;
			*reterr = later;
		}
	}
	if (first < 0)
		return first;
	rc = take_words(c, argc, argv, reterr);
	return rc == 0 && c->cmd->prepare ? c->cmd->prepare(c->args, reterr)
					  : rc;
}

/* --- asking -------------------------------------------------------------------- */

void agent_print_value(const struct out *o, json_t *answer)
{
	(void)json_object_del(answer, "id");
	out_json(answer);
}

static int follow(const struct agent_call *c, struct agentclient *client)
{
	json_t *line;
	struct err err;

	while (agentclient_next(client, &line, &err) == 0) {
		json_t *event = json_object_get(line, "event");

		if (c->out.json && event) {
			out_json(json_incref(event));
		} else if (event) {
			visible_make(event);
			c->cmd->print_event(&c->out, event);
		} else
			fprintf(stderr, "weir %s: %lld were missed\n",
				c->cmd->name,
				(long long)json_integer_value(
					json_object_get(line, "missed")));
		json_decref(line);
		if (fflush(stdout) != 0) /* whoever read it is gone */
			return CLI_OK;
	}
	return out_error(&c->out, c->cmd->name, &err);
}

/* 0; 1: the page is of another revision; -errno */
static int add_page(const struct agent_call *c, struct agentclient *client,
		    json_t *answer, struct err *reterr)
{
	json_t *args = json_copy(c->args), *page, *next, *of;
	int rc;

	(void)json_object_set(args, "after", json_object_get(answer, "next"));
	rc = agentclient_ask(client, c->cmd->command, args, &page, reterr);
	if (rc < 0)
		return rc;
	(void)json_array_extend(json_object_get(answer, c->cmd->pages),
				json_object_get(page, c->cmd->pages));
	next = json_object_get(page, "next");
	if (next)
		(void)json_object_set(answer, "next", next);
	else
		(void)json_object_del(answer, "next");
	of = json_object_get(page, "revision");
	rc = of && !json_equal(of, json_object_get(answer, "revision"));
	json_decref(page);
	return rc;
}

/* All of its pages, as one. */
static int ask_whole(const struct agent_call *c, struct agentclient *client,
		     json_t **ret, struct err *reterr)
{
	for (int tries = 0; tries < PAGES_TRIES; tries++) {
		int rc = agentclient_ask(client, c->cmd->command,
					 json_incref(c->args), ret, reterr);

		if (rc < 0)
			return rc;
		while (rc == 0 && c->cmd->pages &&
		       json_object_get(*ret, "next"))
			rc = add_page(c, client, *ret, reterr);
		if (rc == 0)
			return 0;
		json_decref(*ret);
		*ret = NULL;
		/* the rule that it was to go on behind is gone */
		if (rc < 0 && rc != -EINVAL)
			return rc;
	}
	return err_set(reterr, EAGAIN, NULL,
		       "it was changed %d times while it was read",
		       PAGES_TRIES);
}

static int ask(struct agent_call *c)
{
	bool follows = c->cmd->print_event &&
		       json_is_true(json_object_get(c->args, "follow"));
	struct agentclient client;
	json_t *answer = NULL;
	int rc, status = CLI_OK;
	struct err err;

	if (agentclient_open(c->socket, &client, &err) < 0)
		return out_error(&c->out, c->cmd->name, &err);
	/* of what all nodes recorded it says whose, not who is asked */
	if (json_is_true(json_object_get(c->args, "fleet")) && c->node)
		(void)json_object_set_new(c->args, "node",
					  json_string(c->node));
	else
		client.node = c->node;
	rc = ask_whole(c, &client, &answer, &err);
	if (rc < 0) {
		status = out_error(&c->out, c->cmd->name, &err);
	} else if (c->out.json && !follows) {
		agent_print_value(&c->out, json_incref(answer));
	} else if (!c->out.json && c->cmd->print) {
		if (!c->cmd->verbatim)
			visible_make(answer);
		status = c->cmd->print(&c->out, answer);
	}
	if (rc == 0 && c->cmd->is_no && c->cmd->is_no(answer))
		status = CLI_FAILED;
	json_decref(answer);
	if (rc == 0 && follows && fflush(stdout) == 0)
		status = follow(c, &client);
	agentclient_done(&client);
	return status;
}

int agent_cmd_run(const struct agent_cmd *cmd, int argc, char **argv)
{
	struct agent_call c = { .cmd = cmd,
				.out = out_default(),
				.socket = getenv("WEIR_SOCKET"),
				.args = json_object() };
	struct err err = { 0 };
	int rc, status;

	if (!c.socket || !c.socket[0])
		c.socket = AGENT_SOCKET_DEFAULT;
	rc = parse(&c, argc, argv, &err);
	if (rc < 0)
		status = out_usage(&c.out, cmd->name, &err);
	else
		status = rc > 0 ? CLI_OK : ask(&c);
	json_decref(c.args);
	return status;
}

int agent_cmd_choose(const struct cli_command *list, const char *name, int argc,
		     char **argv)
{
	if (argc > 1)
		for (const struct cli_command *k = list; k->name; k++)
			if (strcmp(k->name, argv[1]) == 0)
				return k->run(argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "--help") != 0 &&
	    strcmp(argv[1], "-h") != 0) {
		fprintf(stderr, "weir %s: no \"%s\"; see: weir %s --help\n",
			name, argv[1], name);
		return CLI_USAGE;
	}
	printf("Usage: weir %s COMMAND ...\n\nCommands:\n", name);
	for (const struct cli_command *k = list; k->name; k++)
		printf("  %-9s  %s\n", k->name, k->summary);
	printf("\n`weir %s COMMAND --help` tells more.\n", name);
	return CLI_OK;
}
