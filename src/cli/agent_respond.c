/*
 * weir response: what is done when an event is told.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/agentcmd.h"
#include "cli/table.h"
#include "wire/member.h"

/* --- list --------------------------------------------------------------------- */

static void add_text(char *buf, size_t size, const char *text)
{
	size_t len = strlen(buf);

	(void)snprintf(buf + len, size - len, "%s%s", len ? ", " : "", text);
}

static const char *actions_text(const json_t *response, char *buf, size_t size)
{
	const json_t *a, *v;
	char one[128];
	size_t i;

	buf[0] = '\0';
	json_array_foreach (json_object_get(response, "actions"), i, a) {
		if ((v = json_object_get(a, "quarantine"))) {
			if (member_number(v, "for"))
				(void)snprintf(one, sizeof one,
					       "quarantine for %llu s",
					       (unsigned long long)
						       member_number(v, "for"));
			else
				(void)snprintf(one, sizeof one, "quarantine");
		} else if ((v = json_object_get(a, "capture"))) {
			(void)snprintf(one, sizeof one, "capture %llu s",
				       (unsigned long long)member_number(
					       v, "seconds"));
		} else if (json_object_get(a, "webhook")) {
			(void)snprintf(one, sizeof one, "webhook %s",
				       member_text(a, "webhook"));
		} else {
			(void)snprintf(one, sizeof one, "suppress");
		}
		add_text(buf, size, one);
	}
	return buf;
}

static const char *conditions_text(const json_t *response, char *buf,
				   size_t size)
{
	const json_t *c, *value;
	char one[200];
	size_t i;

	buf[0] = '\0';
	json_array_foreach (json_object_get(response, "conditions"), i, c) {
		const char *op = member_text(c, "op");
		char *text;

		value = json_object_get(c, "value");
		text = json_is_string(value)
			       ? strdup(json_string_value(value))
			       : json_dumps(value, JSON_ENCODE_ANY);
		(void)snprintf(one, sizeof one, "%s %s %s",
			       member_text(c, "field"), op[0] ? op : "=",
			       text ? text : "?");
		free(text);
		add_text(buf, size, one);
	}
	return buf;
}

static int print_responses(const struct out *o, const json_t *a)
{
	const json_t *r, *list = json_object_get(a, "responses");
	char actions[300], conditions[400];
	struct table t;
	size_t i;

	if (json_array_size(list) == 0) {
		puts("there are no response rules");
		return CLI_OK;
	}
	table_init(&t, 7, 1u << 0 | 1u << 5 | 1u << 6);
	table_add(&t, "ID");
	table_add(&t, "EVENT");
	table_add(&t, "GROUP");
	table_add(&t, "IF");
	table_add(&t, "THEN");
	table_add(&t, "FIRED");
	table_add(&t, "SUPPRESSED");
	json_array_foreach (list, i, r) {
		bool off = json_is_true(json_object_get(r, "disabled"));

		table_add(&t, "%llu%s",
			  (unsigned long long)member_number(r, "id"),
			  off ? " (off)" : "");
		table_add(&t, "%s", member_text(r, "event"));
		table_add(&t, "%s", member_text(r, "group"));
		table_add(&t, "%s",
			  conditions_text(r, conditions, sizeof conditions));
		table_add(&t, "%s", actions_text(r, actions, sizeof actions));
		table_add(&t, "%llu",
			  (unsigned long long)member_number(r, "fired"));
		table_add(&t, "%llu",
			  (unsigned long long)member_number(r, "suppressed"));
	}
	table_print(&t, 0, out_colour(o, OUT_BOLD), out_colour(o, OUT_PLAIN));
	table_done(&t);
	return CLI_OK;
}

static const struct agent_cmd list_cmd = {
	.name = "response list",
	.help = "Usage: weir response list [-o text|json|yaml]\n"
		"\n"
		"Response rules of the policy, and how often each has acted.\n",
	.command = "responses",
	.print = print_responses,
};

/* --- add ------------------------------------------------------------------------ */

static const struct agent_option add_options[] = {
	{ "id", 0, AGENT_NUMBER, "id" },
	{ "group", 0, AGENT_TEXT, "group" },
	{ "if", 0, AGENT_TEXTS, "if" },
	{ "quarantine", 0, AGENT_FLAG, "quarantine" },
	{ "for", 0, AGENT_NUMBER, "for" },
	{ "capture", 0, AGENT_NUMBER, "capture" },
	{ "webhook", 0, AGENT_TEXTS, "webhook" },
	{ "suppress", 0, AGENT_FLAG, "suppress" },
	{ "comment", 0, AGENT_TEXT, "comment" },
	{ NULL, 0, AGENT_FLAG, NULL },
};

/* "severity>=high", "port=80"; a number where it is one. */
static json_t *condition(const char *text)
{
	static const char *const ops[] = { ">=", "<=", "!=", "=" };
	const char *at = NULL, *op = NULL;
	char *end, field[64];
	json_t *value;
	long long v;

	for (size_t i = 0; i < sizeof ops / sizeof *ops && !at; i++) {
		at = strstr(text, ops[i]);
		op = ops[i];
	}
	if (!at || at == text || (size_t)(at - text) >= sizeof field)
		return NULL;
	memcpy(field, text, (size_t)(at - text));
	field[at - text] = '\0';
	at += strlen(op);
	errno = 0;
	v = strtoll(at, &end, 10);
	value = *at && !*end && !errno ? json_integer(v) : json_string(at);
	return json_pack("{s:s, s:s, s:o}", "field", field, "op", op, "value",
			 value);
}

static void add_actions(const json_t *args, json_t *actions)
{
	const json_t *v = json_object_get(args, "for");
	size_t i;

	if (json_object_get(args, "quarantine"))
		(void)json_array_append_new(
			actions,
			v ? json_pack("{s:{s:O}}", "quarantine", "for", v)
			  : json_pack("{s:b}", "quarantine", 1));
	v = json_object_get(args, "capture");
	if (v)
		(void)json_array_append_new(
			actions,
			json_pack("{s:{s:O}}", "capture", "seconds", v));
	json_array_foreach (json_object_get(args, "webhook"), i, v)
		(void)json_array_append_new(actions,
					    json_pack("{s:O}", "webhook", v));
	if (json_object_get(args, "suppress"))
		(void)json_array_append_new(actions,
					    json_pack("{s:b}", "suppress", 1));
}

static int make_response(json_t *args, struct err *reterr)
{
	static const char *const same[] = { "id", "event", "group", "comment" };
	json_t *response = json_object(), *conditions = json_array(),
	       *actions = json_array(), *one;
	const json_t *v;
	size_t i;

	for (i = 0; i < sizeof same / sizeof *same; i++)
		if (json_object_get(args, same[i]))
			(void)json_object_set(response, same[i],
					      json_object_get(args, same[i]));
	(void)json_object_set_new(response, "conditions", conditions);
	(void)json_object_set_new(response, "actions", actions);
	json_array_foreach (json_object_get(args, "if"), i, v) {
		one = condition(json_string_value(v));
		if (!one) {
			json_decref(response);
			return err_set(reterr, EINVAL, "--if",
				       "expected FIELD=VALUE, !=, >= or <=, "
				       "got \"%.40s\"",
				       json_string_value(v));
		}
		(void)json_array_append_new(conditions, one);
	}
	add_actions(args, actions);
	(void)json_object_clear(args);
	(void)json_object_set_new(args, "response", response);
	return 0;
}

static int print_added(const struct out *o, const json_t *a)
{
	printf("response rule %llu\n",
	       (unsigned long long)member_number(a, "response"));
	return CLI_OK;
}

static const struct agent_cmd add_cmd = {
	.name = "response add",
	.help = "Usage: weir response add EVENT [--group NAME] [--if "
		"CONDITION]... ACTION...\n"
		"\n"
		"What is done when an event of that kind is told: violation, "
		"threat,\n"
		"signature, dlp, waf, state, change.\n"
		"\n"
		"  --group NAME        only of workloads in that group\n"
		"  --if CONDITION      only if severity>=high, port=80, "
		"name!=scan; may come\n"
		"                      again, all must be true\n"
		"  --quarantine        the workload talks to nobody any more\n"
		"      --for SECONDS   ... for so long\n"
		"  --capture SECONDS   the workload is captured for so long\n"
		"  --webhook NAME      the event is sent there (export.yaml)\n"
		"  --suppress          the event is neither told nor stored\n"
		"  --id N              in place of rule N\n"
		"  --comment TEXT\n"
		"\n"
		"Example: weir response add signature --group web --if "
		"severity>=high \\\n"
		"             --quarantine --for 3600 --capture 60\n",
	.command = "response-set",
	.options = add_options,
	.words = "event",
	.prepare = make_response,
	.print = print_added,
};

/* --- delete, log ------------------------------------------------------------------ */

static int print_nothing(const struct out *o, const json_t *a)
{
	return CLI_OK;
}

static const struct agent_cmd delete_cmd = {
	.name = "response delete",
	.help = "Usage: weir response delete ID\n"
		"\n"
		"Removes a response rule from the policy.\n",
	.command = "response-delete",
	.words = "id",
	.print = print_nothing,
};

static int print_log(const struct out *o, const json_t *a)
{
	const json_t *e, *list = json_object_get(a, "log");
	char when[32];
	struct tm tm;
	size_t i;

	json_array_foreach (list, i, e) {
		time_t at = (time_t)member_number(e, "at");

		if (!localtime_r(&at, &tm) ||
		    strftime(when, sizeof when, "%F %T", &tm) == 0)
			when[0] = '\0';
		printf("%s  %s\n", when, member_text(e, "text"));
	}
	if (json_array_size(list) == 0)
		puts("no response rule has acted");
	return CLI_OK;
}

static const struct agent_option log_options[] = {
	{ "since", 0, AGENT_AGO, "since" },
	{ "limit", 0, AGENT_NUMBER, "limit" },
	{ NULL, 0, AGENT_FLAG, NULL },
};

static const struct agent_cmd log_cmd = {
	.name = "response log",
	.help = "Usage: weir response log [--since AGO] [--limit N]\n"
		"\n"
		"What response rules have done, the last one last.\n",
	.command = "responses-log",
	.options = log_options,
	.print = print_log,
};

static int cmd_list(int argc, char **argv)
{
	return agent_cmd_run(&list_cmd, argc, argv);
}

static int cmd_add(int argc, char **argv)
{
	return agent_cmd_run(&add_cmd, argc, argv);
}

static int cmd_delete(int argc, char **argv)
{
	return agent_cmd_run(&delete_cmd, argc, argv);
}

static int cmd_log(int argc, char **argv)
{
	return agent_cmd_run(&log_cmd, argc, argv);
}

int cmd_response(int argc, char **argv)
{
	static const struct cli_command list[] = {
		{ "list", "rules, and how often each has acted", cmd_list,
		  NULL },
		{ "add", "one more", cmd_add, NULL },
		{ "delete", "one less", cmd_delete, NULL },
		{ "log", "what they have done", cmd_log, NULL },
		{ NULL, NULL, NULL, NULL },
	};

	return agent_cmd_choose(list, "response", argc, argv);
}
