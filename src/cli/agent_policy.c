/*
 * weir group, policy, apply, diff, export, and weir mode GROUP: what the user
 * wants, as the agent keeps it.
 */
#include "cli/agent_policy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "cli/agentcmd.h"
#include "cli/table.h"
#include "wire/member.h"

const char *agent_words(const json_t *v, char *buf, size_t size)
{
	const json_t *one;
	size_t i, len = 0;

	if (json_is_string(v))
		return json_string_value(v);
	(void)snprintf(buf, size, "any");
	json_array_foreach (v, i, one) {
		int n = snprintf(buf + len, size - len, "%s%s", i ? "," : "",
				 json_string_value(one) ? json_string_value(one)
							: "");

		if (n < 0 || (size_t)n >= size - len)
			break;
		len += (size_t)n;
	}
	return buf;
}

int agent_print_changed(const struct out *o, const json_t *a)
{
	if (member_text(a, "nobody_in")[0])
		printf("%snobody is in %s now%s; ", out_colour(o, OUT_YELLOW),
		       member_text(a, "nobody_in"), out_colour(o, OUT_PLAIN));
	if (json_is_true(json_object_get(a, "in_force")))
		printf("in force (revision %llu)\n",
		       (unsigned long long)member_number(a, "revision"));
	else
		printf("stored (revision %llu); in force when the data plane "
		       "has it: weir status\n",
		       (unsigned long long)member_number(a, "revision"));
	return CLI_OK;
}

/* --- groups ----------------------------------------------------------------------- */

static void where_text(const json_t *where, char *buf, size_t size)
{
	const json_t *w;
	size_t i, len = 0;

	buf[0] = '\0';
	json_array_foreach (where, i, w) {
		char values[128];
		const char *op = member_text(w, "op");
		int n = snprintf(buf + len, size - len, "%s%s %s %s",
				 i ? ", " : "", member_text(w, "key"),
				 op[0] ? op : "=",
				 agent_words(json_object_get(w, "value"),
					     values, sizeof values));

		if (n < 0 || (size_t)n >= size - len)
			return;
		len += (size_t)n;
	}
}

/* Appends; cut when it is full. */
static void add_word(char *buf, size_t size, const char *name, const char *to)
{
	size_t len = strlen(buf);

	/* cut is better than none */
	(void)snprintf(buf + len, size - len, "%s%s=%s", len ? "," : "", name,
		       to);
}

/* "cards=block,signatures=off"; "-" if a group says nothing of it. */
static void looked_for_text(const json_t *g, char *buf, size_t size)
{
	static const char *const kinds[] = { "dlp", "waf" };
	const json_t *use;
	size_t i;

	buf[0] = '\0';
	for (size_t k = 0; k < 2; k++)
		json_array_foreach (json_object_get(g, kinds[k]), i, use)
			add_word(buf, size, member_text(use, "sensor"),
				 member_text(use, "action"));
	if (member_text(g, "signatures")[0])
		add_word(buf, size, "signatures", member_text(g, "signatures"));
	if (!buf[0])
		(void)snprintf(buf, size, "-");
}

static void print_sensors(const json_t *list)
{
	const json_t *s;
	size_t i;

	json_array_foreach (list, i, s)
		printf("%s%s%s",
		       i ? ", " : "sensors there are: ", member_text(s, "name"),
		       strcmp(member_text(s, "kind"), "waf") == 0 ? " (waf)"
								  : "");
	if (json_array_size(list))
		puts("");
}

static int print_groups(const struct out *o, const json_t *a)
{
	const json_t *g, *list = json_object_get(a, "groups");
	char members[80], where[160], looked_for[160];
	struct table t;
	size_t i;

	table_init(&t, 5, 0);
	table_add(&t, "GROUP");
	table_add(&t, "MODE");
	table_add(&t, "LOOKED FOR");
	table_add(&t, "WHERE");
	table_add(&t, "MEMBERS");
	json_array_foreach (list, i, g) {
		const char *mode = member_text(g, "mode");
		const json_t *m = json_object_get(g, "members");

		where_text(json_object_get(g, "where"), where, sizeof where);
		looked_for_text(g, looked_for, sizeof looked_for);
		table_add(&t, "%s", member_text(g, "name"));
		table_add(&t, "%s", mode[0] ? mode : "-");
		table_add(&t, "%s", looked_for);
		table_add(&t, "%s",
			  json_is_true(json_object_get(g, "learned"))
				  ? "(service)"
				  : where);
		table_add(&t, "%s",
			  json_array_size(m)
				  ? agent_words(m, members, sizeof members)
				  : "-");
	}
	table_print(&t, 0, out_colour(o, OUT_BOLD), out_colour(o, OUT_PLAIN));
	table_done(&t);
	printf("mode of those in no group that says one: %s\n",
	       member_text(a, "default_mode"));
	print_sensors(json_object_get(a, "sensors"));
	return CLI_OK;
}

static const struct agent_cmd group_list_cmd = {
	.name = "group list",
	.help = "Usage: weir group list [-o text|json|yaml]\n\n"
		"Groups, what they say, and which workloads are in them now.\n",
	.command = "groups",
	.print = print_groups,
};

/* Of the command line, not of the request. */
static const char *const group_members[] = { "name",	  "where", "mode",
					     "comment",	  "dlp",   "waf",
					     "signatures" };

/* "label.app=web": key, operator, value, as weir-policy(5) tells. */
static int read_where(const char *text, json_t **ret, struct err *reterr)
{
	static const char *const ops[] = { " in ",	 " prefix ", " regex ",
					   " contains ", "!=",	     "=" };

	for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
		const char *at = strstr(text, ops[i]);
		char op[16];

		if (!at || at == text)
			continue;
		(void)snprintf(op, sizeof op, "%.*s",
			       (int)strcspn(ops[i] + (ops[i][0] == ' '), " "),
			       ops[i] + (ops[i][0] == ' '));
		*ret = json_pack("{s:s%, s:s, s:s}", "key", text,
				 (size_t)(at - text), "op", op, "value",
				 at + strlen(ops[i]));
		if (*ret)
			return 0;
	}
	return err_set(reterr, EINVAL, "--where",
		       "expected KEY=VALUE, KEY!=VALUE, \"KEY in A,B\", "
		       "\"KEY prefix P\", \"KEY regex R\", got \"%.60s\"",
		       text);
}

static int read_wheres(const json_t *texts, json_t *group, struct err *reterr)
{
	json_t *where = json_array(), *one = NULL;
	const json_t *text;
	size_t i;

	(void)json_object_set_new(group, "where", where);
	json_array_foreach (texts, i, text) {
		int rc = read_where(json_string_value(text), &one, reterr);

		if (rc < 0)
			return rc;
		(void)json_array_append_new(where, one);
	}
	return 0;
}

/* "cards=block" of --dlp and --waf; "none": all of the kind are taken away. */
static int read_uses(const json_t *texts, const char *kind, json_t *group,
		     struct err *reterr)
{
	json_t *list = json_array();
	const json_t *v;
	size_t i;

	(void)json_object_set_new(group, kind, list);
	json_array_foreach (texts, i, v) {
		const char *text = json_string_value(v);
		const char *equals = strchr(text, '=');
		size_t len = equals ? (size_t)(equals - text) : strlen(text);

		if (strcmp(text, "none") == 0 && json_array_size(texts) == 1)
			return json_object_set_new(group, kind, json_null());
		if (len == 0)
			return err_set(reterr, EINVAL, "--dlp, --waf",
				       "expected SENSOR=alert, SENSOR=block, "
				       "SENSOR=off or none, got \"%.40s\"",
				       text);
		(void)json_array_append_new(
			list,
			json_pack("{s:s%, s:s}", "sensor", text, len, "action",
				  equals ? equals + 1 : "alert"));
	}
	return 0;
}

static void copy_member(const json_t *args, const char *name, json_t *group)
{
	if (json_object_get(args, name))
		(void)json_object_set(group, name, json_object_get(args, name));
}

/*
 * What is on the command line to the agent's form. Without --where the group
 * stays who it is, and only what is said changes.
 */
static int prepare_group(json_t *args, struct err *reterr)
{
	json_t *group =
		json_pack("{s:O}", "name", json_object_get(args, "name"));
	const json_t *where = json_object_get(args, "where");
	const json_t *dlp = json_object_get(args, "dlp");
	const json_t *waf = json_object_get(args, "waf");
	int rc = where ? read_wheres(where, group, reterr) : 0;

	if (rc == 0 && dlp)
		rc = read_uses(dlp, "dlp", group, reterr);
	if (rc == 0 && waf)
		rc = read_uses(waf, "waf", group, reterr);
	copy_member(args, "mode", group);
	copy_member(args, "comment", group);
	copy_member(args, "signatures", group);
	if (strcmp(member_text(group, "signatures"), "default") == 0)
		(void)json_object_set_new(group, "signatures", json_null());
	if (rc == 0 && !where && json_object_size(group) == 1)
		rc = err_set(reterr, EINVAL, NULL,
			     "say what of it: --where, --mode, --dlp, --waf, "
			     "--signatures or --comment");
	if (rc < 0) {
		json_decref(group);
		return rc;
	}
	(void)json_object_set_new(args, "part", json_boolean(!where));
	for (size_t i = 0; i < sizeof group_members / sizeof *group_members;
	     i++)
		(void)json_object_del(args, group_members[i]);
	(void)json_object_set_new(args, "group", group);
	return 0;
}

static const struct agent_option group_options[] = {
	{ "where", 'w', AGENT_TEXTS, "where" },
	{ "mode", 0, AGENT_TEXT, "mode" },
	{ "comment", 0, AGENT_TEXT, "comment" },
	{ "dlp", 0, AGENT_TEXTS, "dlp" },
	{ "waf", 0, AGENT_TEXTS, "waf" },
	{ "signatures", 0, AGENT_TEXT, "signatures" },
	{ "no-wait", 0, AGENT_UNFLAG, "wait" },
	{ NULL, 0, AGENT_FLAG, NULL },
};

static const struct agent_cmd group_set_cmd = {
	.name = "group set",
	.help = "Usage: weir group set NAME [--where EXPRESSION]... [--mode "
		"MODE]\n"
		"                      [--dlp SENSOR=ACTION]... [--waf "
		"SENSOR=ACTION]...\n"
		"                      [--signatures "
		"off|alert|enforce|default] "
		"[--comment TEXT]\n"
		"\nWith --where: makes a group, or replaces it. EXPRESSION is "
		"KEY=VALUE,\nKEY!=VALUE, \"KEY in A,B\", \"KEY prefix P\", "
		"\"KEY regex R\"; several of one\nkey: any of them, of several "
		"keys: all. Keys: name, image, label.NAME,\nnamespace, "
		"service, "
		"pod, runtime, node, address.\n"
		"Without: what is not said stays as it is; a group that is not "
		"there yet is\nthe service of that name.\n\n"
		"--dlp, --waf: what is looked for in its traffic. SENSOR is "
		"cards, bank_accounts,\nnational_ids, keys, or one that the "
		"policy defines (weir-policy(5)); ACTION is\nalert, block (in "
		"mode protect; else it alerts) or off. \"none\" takes all "
		"away.\n"
		"--signatures: what becomes of rules that match (weir rules "
		"load): off, alert,\nenforce; default is enforce in mode "
		"protect, else alert.\n\n"
		"Examples:\n"
		"  weir group set db --where label.app=postgres --mode "
		"protect\n"
		"  weir group set web --dlp cards=block --dlp keys=alert\n",
	.command = "group-set",
	.options = group_options,
	.words = "name",
	.prepare = prepare_group,
	.print = agent_print_changed,
};

static const struct agent_cmd group_delete_cmd = {
	.name = "group delete",
	.help = "Usage: weir group delete NAME\n\n"
		"Refused as long as a rule speaks of it.\n",
	.command = "group-delete",
	.words = "group",
	.print = agent_print_changed,
};

static int group_list(int argc, char **argv)
{
	return agent_cmd_run(&group_list_cmd, argc, argv);
}

static int group_set(int argc, char **argv)
{
	return agent_cmd_run(&group_set_cmd, argc, argv);
}

static int group_delete(int argc, char **argv)
{
	return agent_cmd_run(&group_delete_cmd, argc, argv);
}

int cmd_group(int argc, char **argv)
{
	static const struct cli_command list[] = {
		{ "list", "groups and who is in them", group_list },
		{ "set", "make or replace a group", group_set },
		{ "delete", "delete a group", group_delete },
		{ NULL, NULL, NULL },
	};

	return agent_cmd_choose(list, "group", argc, argv);
}

/* --- mode -------------------------------------------------------------------------- */

static int print_mode(const struct out *o, const json_t *a)
{
	return json_object_get(a, "compared") ? agent_print_compared(o, a)
					      : agent_print_changed(o, a);
}

static int prepare_mode(json_t *args, struct err *reterr)
{
	const char *group = member_text(args, "group");

	if (strcmp(group, "default") == 0)
		(void)json_object_del(args, "group");
	return 0;
}

static const struct agent_option mode_options[] = {
	{ "dry-run", 'n', AGENT_FLAG, "dry_run" },
	{ "since", 0, AGENT_AGO, "since" },
	{ "no-wait", 0, AGENT_UNFLAG, "wait" },
	{ NULL, 0, AGENT_FLAG, NULL },
};

const struct agent_cmd agent_mode_cmd = {
	.name = "mode",
	.help = "Usage: weir mode GROUP|default discover|monitor|protect "
		"[--dry-run [--since 7d]]\n\n"
		"  discover   what no rule speaks of is allowed, and learned\n"
		"  monitor    ... is allowed, and told of as a violation\n"
		"  protect    ... is blocked\n\n"
		"--dry-run changes nothing: it tells which recorded "
		"conversations would\nbe blocked, and by what. \"default\" is "
		"the mode of workloads in no group\nthat says one.\n\n"
		"Of single ports, without an agent: weir mode --netns NS | "
		"--dev DEV --help\n",
	.command = "mode",
	.options = mode_options,
	.words = "group mode",
	.prepare = prepare_mode,
	.print = print_mode,
};

/* --- rules ------------------------------------------------------------------------- */

static void print_hits(struct table *t, const json_t *r)
{
	const json_t *hits = json_object_get(r, "hits");

	if (hits)
		table_add(t, "%lld", json_integer_value(hits));
	else
		table_add(t, "-");
}

static int print_rules(const struct out *o, const json_t *a)
{
	const json_t *r, *list = json_object_get(a, "rules");
	static const char *const lists[] = { "from", "to", "ports",
					     "applications" };
	char words[64];
	struct table t;
	size_t i;

	table_init(&t, 8, 1u | 1u << 6);
	table_add(&t, "ID");
	table_add(&t, "FROM");
	table_add(&t, "TO");
	table_add(&t, "PORTS");
	table_add(&t, "APPLICATIONS");
	table_add(&t, "ACTION");
	table_add(&t, "HITS");
	table_add(&t, "COMMENT");
	json_array_foreach (list, i, r) {
		table_add(&t, "%llu",
			  (unsigned long long)member_number(r, "id"));
		for (size_t k = 0; k < 4; k++)
			table_add(&t, "%s",
				  agent_words(json_object_get(r, lists[k]),
					      words, sizeof words));
		table_add(&t, "%s%s", member_text(r, "action"),
			  json_is_true(json_object_get(r, "disabled"))
				  ? " (disabled)"
				  : "");
		print_hits(&t, r);
		table_add(&t, "%s", member_text(r, "comment"));
	}
	if (json_array_size(list))
		table_print(&t, 0, out_colour(o, OUT_BOLD),
			    out_colour(o, OUT_PLAIN));
	else
		puts("no rules");
	table_done(&t);
	printf("what no rule speaks of: by each end's mode (default %s)\n",
	       member_text(a, "default_mode"));
	return CLI_OK;
}

static const struct agent_cmd policy_list_cmd = {
	.name = "policy list",
	.help = "Usage: weir policy list [-o text|json|yaml]\n\n"
		"The rules, in the order in which they are asked.\n",
	.command = "rules",
	.pages = "rules",
	.print = print_rules,
};

static const struct agent_option rule_options[] = {
	{ "from", 0, AGENT_TEXT, "from" },
	{ "to", 0, AGENT_TEXT, "to" },
	{ "port", 'p', AGENT_TEXTS, "ports" },
	{ "app", 'a', AGENT_TEXTS, "applications" },
	{ "action", 0, AGENT_TEXT, "action" },
	{ "comment", 0, AGENT_TEXT, "comment" },
	{ "expires", 0, AGENT_TEXT, "expires" },
	{ "after", 0, AGENT_SIGNED, "after" },
	{ "id", 0, AGENT_NUMBER, "id" },
	{ "no-wait", 0, AGENT_UNFLAG, "wait" },
	{ NULL, 0, AGENT_FLAG, NULL },
};

/* What is not the request's is the rule's. */
static int prepare_rule(json_t *args, struct err *reterr)
{
	static const char *const request[] = { "after", "wait" };
	json_t *rule = json_copy(args);

	for (size_t i = 0; i < sizeof request / sizeof *request; i++)
		(void)json_object_del(rule, request[i]);
	for (const struct agent_option *o = rule_options; o->name; o++)
		if (json_object_get(rule, o->member))
			(void)json_object_del(args, o->member);
	if (!json_object_get(rule, "from") || !json_object_get(rule, "to")) {
		json_decref(rule);
		return err_set(reterr, EINVAL, NULL, "say --from and --to");
	}
	if (!json_object_get(rule, "action"))
		(void)json_object_set_new(rule, "action", json_string("allow"));
	(void)json_object_set_new(args, "rule", rule);
	return 0;
}

static int print_rule_added(const struct out *o, const json_t *a)
{
	printf("rule %llu ", (unsigned long long)member_number(a, "rule"));
	return agent_print_changed(o, a);
}

static const struct agent_cmd policy_add_cmd = {
	.name = "policy add",
	.help = "Usage: weir policy add --from GROUP --to GROUP [--port "
		"tcp/443]...\n"
		"                       [--app NAME]... [--action "
		"allow|deny|reject] [--after ID]\n"
		"                       [--comment TEXT] [--expires "
		"2027-01-31T00:00:00Z] [--id N]\n\n"
		"--port: tcp/443, udp/1000-2000, icmp, any; --after: the rule "
		"before it, 0: first,\n-1: last (default). Without --action it "
		"allows.\n\n"
		"Example: weir policy add --from web --to db --port tcp/5432\n",
	.command = "rule-add",
	.options = rule_options,
	.prepare = prepare_rule,
	.print = print_rule_added,
};

static int prepare_rule_id(json_t *args, struct err *reterr)
{
	const char *text = member_text(args, "rule");
	char *end;
	long long id;

	errno = 0;
	id = strtoll(text, &end, 10);
	if (*end || end == text || errno || id < 0)
		return err_set(reterr, EINVAL, "rule",
			       "expected the id of a rule, got \"%.20s\"",
			       text);
	(void)json_object_set_new(args, "rule", json_integer(id));
	return 0;
}

static const struct agent_cmd policy_delete_cmd = {
	.name = "policy delete",
	.help = "Usage: weir policy delete ID\n",
	.command = "rule-delete",
	.words = "rule",
	.prepare = prepare_rule_id,
	.print = agent_print_changed,
};

static int policy_list(int argc, char **argv)
{
	return agent_cmd_run(&policy_list_cmd, argc, argv);
}

static int policy_add(int argc, char **argv)
{
	return agent_cmd_run(&policy_add_cmd, argc, argv);
}

static int policy_delete(int argc, char **argv)
{
	return agent_cmd_run(&policy_delete_cmd, argc, argv);
}

int cmd_policy(int argc, char **argv)
{
	static const struct cli_command list[] = {
		{ "list", "the rules in order", policy_list },
		{ "add", "one more rule", policy_add },
		{ "delete", "delete a rule", policy_delete },
		{ "learned", "rules proposed from what was seen",
		  cmd_policy_learned },
		{ "accept", "make rules of proposals", cmd_policy_accept },
		{ "reject", "turn proposals down", cmd_policy_reject },
		{ "candidate", "a policy that runs beside the real one",
		  cmd_policy_candidate },
		{ "history", "what it was before", cmd_policy_history },
		{ "rollback", "what it was, again", cmd_policy_rollback },
		{ NULL, NULL, NULL },
	};

	return agent_cmd_choose(list, "policy", argc, argv);
}

/* --- as code ----------------------------------------------------------------------- */

/* The whole of a file, or of stdin ("-"), as a JSON text. */
static json_t *load(const char *path, struct err *reterr)
{
	FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	size_t len = 0, size = 65536;
	char *buf = f ? malloc(size) : NULL, *more;
	json_t *v = NULL;

	if (!f)
		(void)err_set(reterr, errno, path, "%s", strerror(errno));
	while (buf && !feof(f) && !ferror(f)) {
		if (len == size) {
			more = size < DOOR_REQUEST_MAX / 2
				       ? realloc(buf, 2 * size)
				       : NULL;
			if (!more)
				break;
			buf = more;
			size *= 2;
		}
		len += fread(buf + len, 1, size - len, f);
	}
	if (buf && ferror(f))
		(void)err_set(reterr, EIO, path, "cannot be read");
	else if (buf && !feof(f))
		(void)err_set(reterr, E2BIG, path, "is too large");
	else if (buf)
		v = json_stringn(buf, len);
	if (buf && feof(f) && !v)
		(void)err_set(reterr, EINVAL, path, "is no UTF-8");
	free(buf);
	if (f && f != stdin)
		(void)fclose(f); /* only read */
	return v;
}

int agent_prepare_file(json_t *args, struct err *reterr)
{
	const char *path = member_text(args, "file");
	json_t *text;

	if (!path[0])
		return err_set(reterr, EINVAL, NULL, "say -f FILE");
	text = load(path, reterr);
	if (!text)
		return -reterr->code;
	(void)json_object_set_new(args, "text", text);
	return 0;
}

static void print_side(const struct out *o, enum out_colour c, char sign,
		       const char *what, const json_t *list)
{
	const json_t *v;
	size_t i;

	json_array_foreach (list, i, v) {
		char *text = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);

		printf("%s%c %s %s%s\n", out_colour(o, c), sign, what,
		       text ? text : "", out_colour(o, OUT_PLAIN));
		free(text);
	}
}

static void print_changes(const struct out *o, const char *what,
			  const json_t *part)
{
	const json_t *v, *list = json_object_get(part, "changed");
	size_t i;

	print_side(o, OUT_RED, '-', what, json_object_get(part, "removed"));
	print_side(o, OUT_GREEN, '+', what, json_object_get(part, "added"));
	json_array_foreach (list, i, v) {
		json_t *from = json_pack("[O]", json_object_get(v, "from"));
		json_t *to = json_pack("[O]", json_object_get(v, "to"));

		print_side(o, OUT_RED, '-', what, from);
		print_side(o, OUT_GREEN, '+', what, to);
		json_decref(from);
		json_decref(to);
	}
	print_side(o, OUT_YELLOW, '~', "moved", json_object_get(part, "moved"));
}

void agent_print_diff(const struct out *o, const json_t *diff)
{
	const json_t *mode = json_object_get(diff, "default_mode");

	if (mode)
		printf("~ default_mode %s -> %s\n", member_text(mode, "from"),
		       member_text(mode, "to"));
	print_changes(o, "sensor", json_object_get(diff, "sensors"));
	print_changes(o, "group", json_object_get(diff, "groups"));
	print_changes(o, "rule", json_object_get(diff, "rules"));
}

static int print_diff(const struct out *o, const json_t *a)
{
	const json_t *diff = json_object_get(a, "diff");

	if (json_object_size(diff) == 0) {
		puts("nothing differs");
		return CLI_OK;
	}
	agent_print_diff(o, diff);
	return CLI_OK;
}

/* As diff(1). */
static bool differs(const json_t *a)
{
	return json_object_size(json_object_get(a, "diff")) > 0;
}

static int print_apply(const struct out *o, const json_t *a)
{
	const json_t *diff = json_object_get(a, "diff");
	char empty[256];

	if (json_object_size(diff) == 0) {
		puts("nothing differs");
		return CLI_OK;
	}
	agent_print_diff(o, diff);
	if (json_array_size(json_object_get(a, "empty_groups")))
		printf("%snobody is in: %s%s (rules speak of them)\n",
		       out_colour(o, OUT_YELLOW),
		       agent_words(json_object_get(a, "empty_groups"), empty,
				   sizeof empty),
		       out_colour(o, OUT_PLAIN));
	return agent_print_changed(o, a);
}

static const struct agent_option file_options[] = {
	{ "file", 'f', AGENT_TEXT, "file" },
	{ "revision", 0, AGENT_NUMBER, "revision" },
	{ "no-wait", 0, AGENT_UNFLAG, "wait" },
	{ NULL, 0, AGENT_FLAG, NULL },
};

static const struct agent_cmd apply_cmd = {
	.name = "apply",
	.help = "Usage: weir apply -f FILE|- [--revision N]\n\n"
		"Makes the policy what the file says (weir-policy(5)), whole "
		"or not at all.\nA file of NetworkPolicies is added to it, "
		"in place of those of the same names.\n"
		"--revision: only if it is still that (weir export -o json).\n",
	.command = "apply",
	.options = file_options,
	.prepare = agent_prepare_file,
	.print = print_apply,
};

static const struct agent_cmd diff_cmd = {
	.name = "diff",
	.help = "Usage: weir diff -f FILE|-\n\n"
		"What weir apply would change. Exits with 1 if anything.\n",
	.command = "diff",
	.options = file_options,
	.prepare = agent_prepare_file,
	.print = print_diff,
	.is_no = differs,
};

int cmd_apply(int argc, char **argv)
{
	return agent_cmd_run(&apply_cmd, argc, argv);
}

int cmd_diff(int argc, char **argv)
{
	return agent_cmd_run(&diff_cmd, argc, argv);
}
