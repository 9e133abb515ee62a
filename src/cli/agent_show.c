/*
 * weir status, ls, show, quarantine, and the agent's half of divert and release:
 * what runs here, and how Weir itself is.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bug.h"
#include "cli/agentcmd.h"
#include "cli/human.h"
#include "cli/table.h"
#include "wire/member.h"

static bool is(const json_t *o, const char *member)
{
	return json_is_true(json_object_get(o, member));
}

/* "a, b, c" of an array of texts; at most that many bytes. */
static void join(const json_t *list, char *buf, size_t size)
{
	const json_t *v;
	size_t i, len = 0;

	buf[0] = '\0';
	json_array_foreach (list, i, v) {
		const char *text = json_string_value(v);
		int n = snprintf(buf + len, size - len, "%s%s", i ? ", " : "",
				 text ? text : "");

		if (n < 0 || (size_t)n >= size - len) {
			if (size > 4)
				memcpy(buf + size - 4, "...", 4);
			return;
		}
		len += (size_t)n;
	}
}

static void print_age(const json_t *o, const char *member)
{
	uint64_t since = member_number(o, member), now = (uint64_t)time(NULL);
	char age[HUMAN_MAX];

	printf("%s", human_age(now > since ? now - since : 0, age));
}

/* --- status -------------------------------------------------------------------- */

static void print_runtimes(const struct out *o, const json_t *list)
{
	const json_t *s;
	const char *id;
	json_t *why;
	size_t i;

	json_array_foreach (list, i, s) {
		bool up = is(s, "up");

		printf("  %s%-4s%s  %-10s %s",
		       out_colour(o, up ? OUT_GREEN : OUT_DIM),
		       up ? "up" : "down", out_colour(o, OUT_PLAIN),
		       member_text(s, "kind"), member_text(s, "path"));
		if (!up && member_text(s, "text")[0])
			printf("  (%s)", member_text(s, "text"));
		puts("");
		json_object_foreach (json_object_get(s, "unreadable"), id, why)
			printf("        %s%.24s is not followed: %s%s\n",
			       out_colour(o, OUT_RED), id,
			       json_string_value(why) ? json_string_value(why)
						      : "",
			       out_colour(o, OUT_PLAIN));
	}
}

static void print_kubernetes(const struct out *o, const json_t *k)
{
	static const char *const kinds[] = { "namespaces", "pods",
					     "networkpolicies" };
	const json_t *note;
	size_t n;

	if (!k)
		return;
	printf("\nkubernetes  %s", member_text(k, "server"));
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
		const json_t *of = json_object_get(k, kinds[i]);

		printf("\n  %s%-4s%s  %llu %s",
		       out_colour(o, is(of, "up") ? OUT_GREEN : OUT_RED),
		       is(of, "up") ? "up" : "down", out_colour(o, OUT_PLAIN),
		       (unsigned long long)member_number(of, "count"),
		       kinds[i]);
		if (member_number(of, "refused"))
			printf(", no room for %llu more",
			       (unsigned long long)member_number(of,
								 "refused"));
		if (!is(of, "up") && member_text(of, "text")[0])
			printf("  (%s)", member_text(of, "text"));
	}
	json_array_foreach (json_object_get(k, "not_understood"), n, note)
		printf("\n        %snot understood, isolating: %s%s",
		       out_colour(o, OUT_RED), json_string_value(note),
		       out_colour(o, OUT_PLAIN));
	if (member_text(k, "refused")[0])
		printf("\n        %stheir policies are not in force: %s%s",
		       out_colour(o, OUT_RED), member_text(k, "refused"),
		       out_colour(o, OUT_PLAIN));
}

/* "118 signatures of 2 files, 1 refused" */
static void print_detection_part(const struct out *o, const json_t *s,
				 const char *noun)
{
	const char *state = member_text(s, "state");
	uint64_t bad = (uint64_t)member_number(s, "refused") +
		       (uint64_t)member_number(s, "left_out");

	printf("%llu %s", (unsigned long long)member_number(s, noun), noun);
	if (strcmp(state, "in force") != 0)
		printf(" (%s%s%s%s)", out_colour(o, OUT_YELLOW),
		       strcmp(state, "waiting") == 0 ? "others are on their way"
		       : strcmp(state, "building") == 0
			       ? "others are being built"
			       : member_text(s, "error"),
		       strcmp(state, "unknown") == 0 ? ": an older data plane"
						     : "",
		       out_colour(o, OUT_PLAIN));
	if (bad)
		printf(", %s%llu refused%s", out_colour(o, OUT_YELLOW),
		       (unsigned long long)bad, out_colour(o, OUT_PLAIN));
}

static void print_detection(const struct out *o, const json_t *detection)
{
	if (!detection) /* an older agent */
		return;
	printf("\ndetection   ");
	print_detection_part(o, json_object_get(detection, "signatures"),
			     "signatures");
	printf("; ");
	print_detection_part(o, json_object_get(detection, "sensors"),
			     "sensors");
}

/* Only where a limit made tables smaller. */
static void print_memory(const json_t *memory, const struct out *o)
{
	json_t *smaller = json_object_get(memory, "smaller"), *v;
	const char *name, *before = "";

	if (json_object_size(smaller) == 0)
		return;
	printf("\nmemory      %sof %llu MB; smaller for that: ",
	       out_colour(o, OUT_YELLOW),
	       (unsigned long long)(member_number(memory,
						  "cgroup_limit_bytes") >>
				    20));
	json_object_foreach (smaller, name, v) {
		printf("%s%s (%llu)", before, name,
		       (unsigned long long)member_number(v, "places"));
		before = ", ";
	}
	printf("%s%s",
	       is(memory, "fits") ? "" : "; and even so it may not be enough",
	       out_colour(o, OUT_PLAIN));
}

static void print_fleet(const struct out *o, const json_t *f)
{
	if (!f)
		return;
	printf("\nfleet       %s%s%s ",
	       out_colour(o, is(f, "up") ? OUT_GREEN : OUT_YELLOW),
	       is(f, "up") ? "connected" : "cut off", out_colour(o, OUT_PLAIN));
	print_age(f, "since");
	if (!is(f, "up"))
		printf("  (%s)", member_text(f, "text"));
	printf(", revision %llu%s",
	       (unsigned long long)member_number(f, "revision"),
	       member_text(f, "refused")[0] ? ", which was refused here" : "");
}

static int print_status(const struct out *o, const json_t *a)
{
	const json_t *n = json_object_get(a, "counts");
	const json_t *plane = json_object_get(a, "data_plane");
	const json_t *policy = json_object_get(a, "policy");
	const json_t *records = json_object_get(a, "records");
	bool up = is(plane, "up");

	printf("weir-agent %s on %s, up ", member_text(a, "version"),
	       member_text(a, "node"));
	print_age(a, "started");
	printf("\n\ndata plane  %s%s%s",
	       out_colour(o, up ? OUT_GREEN : OUT_RED), up ? "up " : "down ",
	       out_colour(o, OUT_PLAIN));
	print_age(plane, "since");
	if (up)
		printf(", weir-dp %s",
		       member_text(json_object_get(plane, "version"),
				   "version"));
	else
		printf("  (%s)", member_text(plane, "text"));
	if (is(plane, "other_version"))
		printf("; %sanother version than the agent, which it could not "
		       "hand over to: end it (kill %llu), and this one's is "
		       "started%s",
		       out_colour(o, OUT_YELLOW),
		       (unsigned long long)member_number(
			       json_object_get(plane, "version"), "pid"),
		       out_colour(o, OUT_PLAIN));
	print_memory(
		json_object_get(json_object_get(plane, "version"), "memory"),
		o);
	printf("\npolicy      revision %llu, %s",
	       (unsigned long long)member_number(policy, "revision"),
	       is(policy, "in_force") ? "in force"
	       : is(a, "releasing")   ? "not in force"
				      : "on its way");
	if (member_text(policy, "refused")[0])
		printf("; %sthe last change was refused: %s%s",
		       out_colour(o, OUT_RED), member_text(policy, "refused"),
		       out_colour(o, OUT_PLAIN));
	print_fleet(o, json_object_get(a, "fleet"));
	print_detection(o, json_object_get(a, "detection"));
	printf("\nworkloads   %llu in %llu containers; %llu ports, %llu "
	       "diverted",
	       (unsigned long long)member_number(n, "workloads"),
	       (unsigned long long)member_number(n, "containers"),
	       (unsigned long long)member_number(n, "ports"),
	       (unsigned long long)member_number(n, "diverted"));
	if (member_number(n, "failed"))
		printf(", %s%llu not guarded%s", out_colour(o, OUT_RED),
		       (unsigned long long)member_number(n, "failed"),
		       out_colour(o, OUT_PLAIN));
	if (is(a, "releasing"))
		printf("\n%sreleased: nothing is diverted until weir divert "
		       "--all%s",
		       out_colour(o, OUT_YELLOW), out_colour(o, OUT_PLAIN));
	printf("\nrecords     %s", member_text(records, "state")[0]
					   ? member_text(records, "state")
					   : "all is recorded");
	if (member_number(records, "lost_flows"))
		printf("; %llu flows lost", (unsigned long long)member_number(
						    records, "lost_flows"));
	print_kubernetes(o, json_object_get(a, "kubernetes"));
	puts("\nruntimes");
	print_runtimes(o, json_object_get(a, "runtimes"));
	return CLI_OK;
}

static const struct agent_cmd status_cmd = {
	.name = "status",
	.help = "Usage: weir status [-o text|json|yaml]\n\n"
		"Is everything as it should be: the data plane, the policy in "
		"force, the\nruntimes that are listened to, what could not be "
		"guarded or recorded.\n",
	.command = "status",
	.print = print_status,
};

/* --- ls ---------------------------------------------------------------------------- */

static enum out_colour state_colour(const char *state)
{
	if (strcmp(state, "guarded") == 0)
		return OUT_GREEN;
	if (strcmp(state, "quarantined") == 0 ||
	    strcmp(state, "not guarded") == 0)
		return OUT_RED;
	return OUT_YELLOW;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(member_text(*(json_t *const *)a, "name"),
		      member_text(*(json_t *const *)b, "name"));
}

/* The members of a list, borrowed, by their names; the caller frees it. */
static const json_t **sorted(const json_t *list, size_t *ret_n)
{
	size_t n = json_array_size(list), i;
	const json_t **all = calloc(n ? n : 1, sizeof *all);
	const json_t *one;

	if (!all)
		die("out of memory");
	json_array_foreach (list, i, one)
		all[i] = one;
	qsort(all, n, sizeof *all, by_name);
	*ret_n = n;
	return all;
}

static int print_ls(const struct out *o, const json_t *a)
{
	const json_t **all, *list = json_object_get(a, "workloads");
	char addrs[48], groups[64];
	struct table t;
	size_t i, n;

	if (json_array_size(list) == 0) {
		puts("no workloads; weir status tells which runtimes are "
		     "listened to");
		return CLI_OK;
	}
	table_init(&t, 7, 0);
	table_add(&t, "NAME");
	table_add(&t, "MODE");
	table_add(&t, "STATE");
	table_add(&t, "RUNTIME");
	table_add(&t, "ADDRESSES");
	table_add(&t, "GROUPS");
	table_add(&t, "IMAGE");
	all = sorted(list, &n);
	for (i = 0; i < n; i++) {
		const json_t *w = all[i];
		const json_t *about = json_object_get(w, "about");

		join(json_object_get(w, "addresses"), addrs, sizeof addrs);
		join(json_object_get(w, "groups"), groups, sizeof groups);
		table_add(&t, "%s", member_text(w, "name"));
		table_add(&t, "%s", member_text(w, "mode"));
		table_add(&t, "%s", member_text(w, "state"));
		table_add(&t, "%s", member_text(about, "runtime"));
		table_add(&t, "%s", addrs);
		table_add(&t, "%s", groups);
		table_add(&t, "%s", member_text(about, "image"));
	}
	free(all);
	table_print(&t, 0, out_colour(o, OUT_BOLD), out_colour(o, OUT_PLAIN));
	table_done(&t);
	return CLI_OK;
}

static const struct agent_cmd ls_cmd = {
	.name = "ls",
	.help = "Usage: weir ls [-o text|json|yaml]\n\n"
		"All workloads: containers, pods, network namespaces, VMs. "
		"STATE is\n\n"
		"  guarded       diverted, as its mode asks for\n"
		"  on hold       nothing passes until its policy is in force\n"
		"  quarantined   by weir quarantine\n"
		"  parked        data planes die of its frames: as on_failure "
		"says, for a while\n"
		"  not guarded   it cannot be diverted; weir show says why\n"
		"  released      the user said so, or it is excluded\n",
	.command = "ls",
	.print = print_ls,
};

/* --- show -------------------------------------------------------------------------- */

static void print_ports(const struct out *o, const json_t *list)
{
	const json_t *p;
	size_t i;

	json_array_foreach (list, i, p) {
		printf("  %-12s %s  %s", member_text(p, "device"),
		       member_text(p, "mac"), member_text(p, "state"));
		if (member_text(p, "through")[0])
			printf(", spliced through %s",
			       member_text(p, "through"));
		else if (member_text(p, "host_device")[0])
			printf(" at %s", member_text(p, "host_device"));
		if (member_text(p, "doing")[0])
			printf(": %s", member_text(p, "doing"));
		if (member_text(p, "why")[0])
			printf("  %s(%s)%s", out_colour(o, OUT_YELLOW),
			       member_text(p, "why"), out_colour(o, OUT_PLAIN));
		puts("");
	}
}

static void print_labels(const json_t *about)
{
	const json_t *labels = json_object_get(about, "labels"), *v;
	const char *name;

	json_object_foreach ((json_t *)(uintptr_t)labels, name, v)
		printf("  %s=%s\n", name,
		       json_string_value(v) ? json_string_value(v) : "");
}

static void print_line(const char *what, const char *text)
{
	if (text[0])
		printf("%-11s %s\n", what, text);
}

/* "cards=block, keys=alert; signatures enforce" */
static void print_looked_for(const json_t *detection)
{
	const json_t *s, *list = json_object_get(detection, "sensors");
	size_t i;

	if (!detection)
		return;
	printf("%-11s ", "looked for");
	json_array_foreach (list, i, s)
		printf("%s%s=%s", i ? ", " : "", member_text(s, "sensor"),
		       member_text(s, "action"));
	printf("%ssignatures=%s\n", json_array_size(list) ? ", " : "",
	       member_text(detection, "signatures"));
}

static int print_show(const struct out *o, const json_t *a)
{
	const json_t *w = json_object_get(a, "workload"), *c;
	const json_t *about = json_object_get(w, "about");
	const char *state = member_text(w, "state");
	char line[512];
	size_t i;

	printf("%s%s%s  %s%s%s, mode %s\n", out_colour(o, OUT_BOLD),
	       member_text(w, "name"), out_colour(o, OUT_PLAIN),
	       out_colour(o, state_colour(state)), state,
	       out_colour(o, OUT_PLAIN), member_text(w, "mode"));
	print_line("id", member_text(w, "id"));
	print_line("runtime", member_text(about, "runtime"));
	print_line("image", member_text(about, "image"));
	print_line("service", member_text(about, "service"));
	print_line("namespace", member_text(about, "namespace"));
	print_line("quarantined", member_text(w, "quarantined"));
	join(json_object_get(w, "groups"), line, sizeof line);
	print_line("groups", line);
	join(json_object_get(w, "addresses"), line, sizeof line);
	print_line("addresses", line);
	join(json_object_get(about, "ports"), line, sizeof line);
	print_line("listens on", line);
	print_looked_for(json_object_get(w, "detection"));
	puts("devices");
	print_ports(o, json_object_get(w, "ports"));
	puts("containers");
	json_array_foreach (json_object_get(a, "containers"), i, c) {
		printf("  %-20s %.12s",
		       member_text(json_object_get(c, "about"), "name"),
		       member_text(c, "id"));
		/* A bare namespace has no process of its own. */
		if (member_number(c, "pid"))
			printf("  pid %llu",
			       (unsigned long long)member_number(c, "pid"));
		puts("");
	}
	if (json_object_size(json_object_get(about, "labels")))
		puts("labels");
	print_labels(about);
	if (member_number(about, "labels_left_out"))
		printf("  and %llu more, which are not looked at\n",
		       (unsigned long long)member_number(about,
							 "labels_left_out"));
	return CLI_OK;
}

static const struct agent_cmd show_cmd = {
	.name = "show",
	.help = "Usage: weir show WORKLOAD [-o text|json|yaml]\n\n"
		"All that is known of one: by its name, or the beginning of "
		"its id.\n",
	.command = "show",
	.words = "workload",
	.print = print_show,
};

/* --- quarantine, divert, release -------------------------------------------------- */

static const struct agent_option quarantine_options[] = {
	{ "off", 0, AGENT_FLAG, "off" },
	{ "why", 0, AGENT_TEXT, "why" },
	{ NULL, 0, AGENT_FLAG, NULL },
};

static const struct agent_cmd quarantine_cmd = {
	.name = "quarantine",
	.help = "Usage: weir quarantine WORKLOAD [--why TEXT]\n"
		"       weir quarantine WORKLOAD --off\n\n"
		"Cuts a workload off at once, also what runs; or ends that. It "
		"stays so over\nrestarts of Weir.\n",
	.command = "quarantine",
	.options = quarantine_options,
	.words = "workload",
};

static const struct agent_option all_options[] = {
	{ "all", 0, AGENT_FLAG, "all" },
	{ NULL, 0, AGENT_FLAG, NULL },
};

const struct agent_cmd agent_divert_cmd = {
	.name = "divert",
	.help = "Usage: weir divert WORKLOAD | --all\n\n"
		"Diverts again what weir release let go.\n",
	.command = "divert",
	.options = all_options,
	.words = "workload?",
};

const struct agent_cmd agent_release_cmd = {
	.name = "release",
	.help = "Usage: weir release WORKLOAD | --all\n\n"
		"Gives a workload's traffic back to the kernel alone, until "
		"weir divert.\nWith --all everything, and nothing new is "
		"diverted: the host is as it was.\n",
	.command = "release",
	.options = all_options,
	.words = "workload?",
};

int cmd_status(int argc, char **argv)
{
	return agent_cmd_run(&status_cmd, argc, argv);
}

int cmd_ls(int argc, char **argv)
{
	return agent_cmd_run(&ls_cmd, argc, argv);
}

int cmd_show(int argc, char **argv)
{
	return agent_cmd_run(&show_cmd, argc, argv);
}

int cmd_quarantine(int argc, char **argv)
{
	return agent_cmd_run(&quarantine_cmd, argc, argv);
}
