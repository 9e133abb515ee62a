/*
 * What `weir demo` tells, step by step. Each shows the commands a user types and
 * what they print, and checks that it went as it must.
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "cli/cli.h"
#include "cli/demo_agent.h"
#include "cli/stop.h"
#include "net/bpffs.h"
#include "wire/member.h"

#define FIRST_BYTES   (4ULL << 20) /* of the download */
#define CAPTURE_TRIES 8
#define END_MS	      10000

static const json_t *workload_of(const json_t *answer, const char *name)
{
	const json_t *w;
	size_t i;

	json_array_foreach (json_object_get(answer, "workloads"), i, w)
		if (strcmp(member_text(w, "name"), name) == 0)
			return w;
	return NULL;
}

/* --- 1: containers, and an agent ------------------------------------------------ */

struct is {
	const char *name, *mode, *doing;
};

static bool does(const json_t *answer, const struct is *want)
{
	const json_t *w = workload_of(answer, want->name);
	const json_t *port = json_array_get(json_object_get(w, "ports"), 0);

	return strcmp(member_text(w, "mode"), want->mode) == 0 &&
	       strcmp(member_text(port, "doing"), want->doing) == 0;
}

/* arg: of both */
static bool all_do(const json_t *answer, const void *arg)
{
	const struct is *want = arg;

	return does(answer, &want[0]) && does(answer, &want[1]) &&
	       json_array_size(json_object_get(workload_of(answer, "web"),
					       "addresses")) > 0;
}

/* Its first IPv4 address, or else its first. */
static int learn_address(struct demo_agent *d, struct err *reterr)
{
	const char *found = NULL;
	json_t *answer = NULL;
	const json_t *a;
	size_t i;
	int rc = demo_agent_ask("ls", NULL, &answer, reterr);

	if (rc < 0)
		return rc;
	json_array_foreach (
		json_object_get(workload_of(answer, "web"), "addresses"), i, a)
		if (!found || strchr(found, ':'))
			found = json_string_value(a);
	(void)snprintf(d->web, sizeof d->web, "%s", found ? found : "");
	json_decref(answer);
	return d->web[0] ? 0
			 : err_set(reterr, EADDRNOTAVAIL, NULL,
				   "web has no address");
}

/* The kind that was chosen; if nobody asked for it, another that starts. */
static int start_first(struct demo_agent *d, struct err *reterr)
{
	int rc = boxes_start(&d->boxes, d->kind, reterr);

	while (rc < 0 && rc != -EINTR && d->kind_auto &&
	       d->kind != BOX_NAMESPACES) {
		tale_say(&d->tale, "%s does not start here (%s: %s).",
			 box_kind_name(d->kind), reterr->at, reterr->text);
		do
			d->kind++;
		while (box_kind_missing(d->kind) && d->kind != BOX_NAMESPACES);
		rc = boxes_start(&d->boxes, d->kind, reterr);
	}
	return rc;
}

static int start_engine(struct demo_agent *d, struct err *reterr)
{
	static const char *const told[BOX_KIND__MAX] = {
		[BOX_DOCKER] = "A dockerd of the demo's own runs (up after "
			       "%.1f s), with an image made of busybox.",
		[BOX_PODMAN] = "Podman's service runs, with storage of the "
			       "demo's own (up after %.1f s).",
		[BOX_NAMESPACES] = "No container runtime is used: the "
				   "containers are bare network namespaces.",
	};
	usec_t begun = clock_now();
	int rc = boxes_prepare(&d->boxes, d->world, reterr);

	if (rc == 0)
		rc = start_first(d, reterr);
	if (rc < 0)
		return rc;
	tale_fact(&d->tale, "runtime",
		  json_string(box_kind_name(d->boxes.kind)));
	if (d->boxes.kind == BOX_NAMESPACES)
		tale_say(&d->tale, "%s", told[BOX_NAMESPACES]);
	else
		tale_say(&d->tale, told[d->boxes.kind],
			 (double)usec_since(clock_now(), begun) / 1e6);
	return 0;
}

static int step_start(struct demo_agent *d, struct err *reterr)
{
	static const struct is watched[BOX__MAX] = {
		{ "web", "discover", "tap" }, { "app", "discover", "tap" }
	};
	int rc = start_engine(d, reterr);

	if (rc == 0)
		rc = demo_agent_start(d, reterr);
	if (rc == 0)
		rc = boxes_run(&d->boxes, &d->tale, reterr);
	if (rc == 0)
		rc = demo_agent_soon(d, "ls", all_do, watched,
				     "the agent has found both, and watches "
				     "them",
				     reterr);
	if (rc == 0)
		rc = learn_address(d, reterr);
	if (rc == 0)
		rc = demo_agent_weir(d, "ls", NULL, reterr);
	return rc < 0 ? rc : demo_agent_weir(d, "status", NULL, reterr);
}

/* --- 2: it learns ------------------------------------------------------------------ */

static bool is_proposed(const json_t *answer, const void *arg)
{
	const json_t *p =
		json_array_get(json_object_get(answer, "proposals"), 0);
	const char *from = "", *to = "", *port = "";

	(void)json_unpack((json_t *)(uintptr_t)p, "{s:{s:[s], s:[s], s:[s]}}",
			  "rule", "from", &from, "to", &to, "ports", &port);
	return strcmp(from, "app") == 0 && strcmp(to, "web") == 0 &&
	       strcmp(port, "tcp/80") == 0;
}

static int step_learn(struct demo_agent *d, struct err *reterr)
{
	int rc;

	tale_say(&d->tale, "In mode discover all passes, and is recorded.");
	rc = demo_agent_fetch(d, BOX_PORT, true, "app talks to web", reterr);
	if (rc == 0)
		rc = demo_agent_soon(d, "learned", is_proposed, NULL,
				     "a rule is proposed from what was seen",
				     reterr);
	if (rc == 0)
		rc = demo_agent_weir(d, "flows", NULL, reterr);
	return rc < 0 ? rc : demo_agent_weir(d, "policy learned", NULL, reterr);
}

/* --- 3: what if --------------------------------------------------------------------- */

/* Recorded connections that would be treated otherwise with web protected. */
static int count_differ(json_int_t *ret, struct err *reterr)
{
	json_t *answer = NULL;
	int rc = demo_agent_ask("mode",
				json_pack("{s:s, s:s, s:b}", "group", "web",
					  "mode", "protect", "dry_run", 1),
				&answer, reterr);

	*ret = -1;
	if (rc == 0)
		(void)json_unpack(answer, "{s:{s:I}}", "compared", "differ",
				  ret);
	json_decref(answer);
	return rc;
}

static int dry_run(struct demo_agent *d, json_int_t want, struct err *reterr)
{
	json_int_t differ;
	int rc = demo_agent_weir(d, "mode web protect --dry-run", NULL, reterr);

	if (rc == 0)
		rc = count_differ(&differ, reterr);
	if (rc == 0)
		(void)tale_check(&d->tale, differ == want,
				 "%d of the recorded conversations would be "
				 "blocked",
				 (int)differ);
	return rc;
}

static int step_rules(struct demo_agent *d, struct err *reterr)
{
	int rc = dry_run(d, 1, reterr);

	if (rc == 0)
		rc = demo_agent_weir(d, "policy accept --all", NULL, reterr);
	if (rc == 0)
		rc = demo_agent_weir(d, "policy list", NULL, reterr);
	return rc < 0 ? rc : dry_run(d, 0, reterr);
}

/* --- 4: it protects ------------------------------------------------------------------ */

static bool is_told(const json_t *answer, const void *arg)
{
	const json_t *e;
	size_t i;

	json_array_foreach (json_object_get(answer, "events"), i, e)
		if (strcmp(member_text(e, "kind"), "violation") == 0 &&
		    strcmp(member_text(e, "client"), "app") == 0 &&
		    strcmp(member_text(e, "server"), "web") == 0 &&
		    json_integer_value(json_object_get(e, "port")) ==
			    BOX_PORT_ADMIN)
			return true;
	return false;
}

static int explain(struct demo_agent *d, unsigned port, int want,
		   struct err *reterr)
{
	char words[64];
	int status = -1, rc;

	(void)snprintf(words, sizeof words, "explain app web --port %u", port);
	rc = demo_agent_weir(d, words, &status, reterr);
	if (rc == 0)
		(void)tale_check(&d->tale, status == want,
				 "explained: port %u is %s", port,
				 want == CLI_OK ? "allowed, by the rule that "
						  "was accepted"
						: "not allowed");
	return rc;
}

static int step_protect(struct demo_agent *d, struct err *reterr)
{
	int rc = demo_agent_weir(d, "mode web protect", NULL, reterr);

	if (rc == 0)
		rc = demo_agent_fetch(d, BOX_PORT, true, "a rule allows it",
				      reterr);
	if (rc == 0)
		rc = demo_agent_fetch(d, BOX_PORT_ADMIN, false, "no rule does",
				      reterr);
	if (rc == 0)
		rc = demo_agent_soon(d, "events", is_told, NULL,
				     "there is an event of it", reterr);
	if (rc == 0)
		rc = demo_agent_weir(d, "events --kind violation", NULL,
				     reterr);
	if (rc == 0)
		rc = explain(d, BOX_PORT_ADMIN, CLI_FAILED, reterr);
	return rc < 0 ? rc : explain(d, BOX_PORT, CLI_OK, reterr);
}

/* --- 5: looks at packets ---------------------------------------------------------------- */

/* Both ports again and again, until what captures has seen enough. */
static int make_traffic(struct demo_agent *d, struct err *reterr)
{
	bool got;
	int rc = 0;

	for (int i = 0; rc == 0 && i < CAPTURE_TRIES; i++) {
		rc = demo_agent_try(d, BOX_PORT, &got, reterr);
		if (rc == 0 && program_runs(&d->capture))
			rc = demo_agent_try(d, BOX_PORT_ADMIN, &got, reterr);
		if (!program_runs(&d->capture))
			break;
	}
	return rc;
}

static int step_capture(struct demo_agent *d, struct err *reterr)
{
	static const char filter[] = "tcp[tcpflags] & tcp-syn != 0";
	char self[PATH_MAX], command[96];
	const char *const argv[] = { self, "capture", "web", "-c",
				     "4",  filter,    NULL };
	char *text = NULL;
	int status = 0, rc;

	program_self(self);
	(void)snprintf(command, sizeof command, "weir capture web -c 4 '%s'",
		       filter);
	tale_say(&d->tale, "$ %s", command);
	rc = program_start(&d->capture, NULL, argv, NULL, reterr);
	if (rc == 0)
		rc = make_traffic(d, reterr);
	if (rc == 0)
		rc = program_collect(&d->capture, DEMO_SOON_MS, &text, &status,
				     reterr);
	if (rc < 0 || !text)
		return rc;
	demo_agent_tell(d, command, text, status);
	(void)tale_check(&d->tale,
			 status == 0 && strstr(text, " in  forward ") &&
				 strstr(text, " in  drop "),
			 "each frame with its verdict: port 80 is forwarded, "
			 "port 8080 dropped");
	free(text);
	return 0;
}

/* --- 6: quarantine -------------------------------------------------------------------------- */

static int step_quarantine(struct demo_agent *d, struct err *reterr)
{
	int rc = demo_agent_weir(d, "quarantine app --why suspicious", NULL,
				 reterr);

	if (rc == 0)
		rc = demo_agent_fetch(d, BOX_PORT, false, "cut off", reterr);
	if (rc == 0)
		rc = demo_agent_weir(d, "ls", NULL, reterr);
	if (rc == 0)
		rc = demo_agent_weir(d, "quarantine app --off", NULL, reterr);
	return rc < 0 ? rc
		      : demo_agent_fetch(d, BOX_PORT, true, "free again",
					 reterr);
}

/* --- 7: without its agent ---------------------------------------------------------------------- */

static bool is_guarded(const json_t *answer, const void *arg)
{
	static const struct is want = { "web", "protect", "inline" };

	return does(answer, &want);
}

static int kill_plane(struct demo_agent *d, struct err *reterr)
{
	json_t *answer = NULL;
	int pid = 0;
	int rc = demo_agent_ask("status", NULL, &answer, reterr);

	if (rc == 0)
		(void)json_unpack(answer, "{s:{s:{s:i}}}", "data_plane",
				  "version", "pid", &pid);
	json_decref(answer);
	if (rc == 0 && (pid <= 0 || kill(pid, SIGKILL) < 0))
		rc = err_set(reterr, ESRCH, NULL, "no data plane to kill");
	return rc;
}

/* Has the agent seen that it was killed, and started another? arg: its start. */
static bool plane_is_new(const json_t *answer, const void *arg)
{
	const json_int_t *starts = arg;
	json_int_t now = 0;
	int up = 0, in_force = 0;

	(void)json_unpack((json_t *)(uintptr_t)answer,
			  "{s:{s:b, s:I}, s:{s:b}}", "data_plane", "up", &up,
			  "starts", &now, "policy", "in_force", &in_force);
	return now > *starts && up && in_force;
}

static int another_plane(struct demo_agent *d, struct err *reterr)
{
	json_t *answer = NULL;
	json_int_t starts = 0;
	int rc = demo_agent_ask("status", NULL, &answer, reterr);

	if (rc == 0)
		(void)json_unpack(answer, "{s:{s:I}}", "data_plane", "starts",
				  &starts);
	json_decref(answer);
	if (rc == 0)
		rc = kill_plane(d, reterr);
	if (rc < 0)
		return rc;
	tale_say(&d->tale, "Its data plane weir-dp is killed, too.");
	return demo_agent_soon(d, "status", plane_is_new, &starts,
			       "the agent has started another, with the policy",
			       reterr);
}

static int step_restart(struct demo_agent *d, struct err *reterr)
{
	int rc = demo_agent_download(d, FIRST_BYTES, reterr);

	if (rc < 0)
		return rc;
	(void)program_end(&d->agent, SIGKILL, END_MS);
	tale_say(&d->tale, "weir-agent is killed (SIGKILL).");
	rc = demo_agent_fetch(d, BOX_PORT_ADMIN, false,
			      "still guarded, without an agent", reterr);
	if (rc == 0)
		rc = demo_agent_start(d, reterr);
	if (rc == 0)
		rc = demo_agent_soon(d, "ls", is_guarded, NULL,
				     "web is found again, still protected",
				     reterr);
	if (rc == 0)
		rc = another_plane(d, reterr);
	if (rc == 0)
		rc = demo_agent_download_rest(d, reterr);
	return rc < 0 ? rc
		      : demo_agent_fetch(d, BOX_PORT_ADMIN, false,
					 "no rule was forgotten", reterr);
}

/* --- 8: gives all back ------------------------------------------------------------------------------ */

/* Is nothing of ours pinned in the kernel? */
static bool nothing_pinned(void)
{
	DIR *dir = opendir(BPFFS_WEIR);
	const struct dirent *e;
	unsigned n = 0;

	while (dir && (e = readdir(dir)))
		n += e->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return n == 0;
}

static int step_release(struct demo_agent *d, struct err *reterr)
{
	int status, rc = demo_agent_weir(d, "release --all", NULL, reterr);

	if (rc == 0)
		rc = demo_agent_fetch(d, BOX_PORT_ADMIN, true,
				      "nobody is in between", reterr);
	if (rc == 0)
		rc = demo_agent_weir(d, "ls", NULL, reterr);
	if (rc < 0)
		return rc;
	status = program_end(&d->agent, SIGTERM, END_MS);
	(void)tale_check(&d->tale, status == 0,
			 "weir-agent ends when it is asked to (exit status %d)",
			 status);
	(void)tale_check(&d->tale, nothing_pinned(),
			 "nothing of it is left in the kernel");
	return 0;
}

/* --- 9: down ------------------------------------------------------------------------------------------- */

static int step_down(struct demo_agent *d, struct err *reterr)
{
	unsigned others = 1;
	int rc = boxes_end(&d->boxes, &d->tale, reterr);

	if (rc < 0)
		return rc;
	/* Those who have ended are reaped by the first process. */
	for (int ms = 0; others > 0 && ms < END_MS; ms += 50) {
		others = demo_world_count_others();
		if (others > 0 && stop_poll(NULL, 0, 50) < 0)
			return err_set(reterr, EINTR, NULL, "stopped");
	}
	(void)tale_check(&d->tale, others == 0, "no process is left");
	demo_world_remove_cgroups(d->world->cgroup);
	(void)tale_check(&d->tale, !demo_world_has_cgroups(d->world->cgroup),
			 "no control group either; network, mounts and files "
			 "end with this story");
	return 0;
}

const struct demo_agent_step demo_agent_steps[] = {
	{ "start", "Two containers, and an agent that finds them", step_start,
	  false },
	{ "learn", "It learns who talks to whom", step_learn, false },
	{ "rules", "What would be blocked? The proposal becomes a rule",
	  step_rules, false },
	{ "protect", "web is protected: what no rule allows is blocked",
	  step_protect, false },
	{ "capture", "Packets of both, with their verdicts", step_capture,
	  false },
	{ "quarantine", "app is suspicious: it is cut off, at once",
	  step_quarantine, false },
	{ "restart", "Whatever is killed, nothing is lost and nothing is open",
	  step_restart, false },
	{ "release", "All is given back to the kernel", step_release, true },
	{ "down", "Everything is taken down", step_down, true },
};
const size_t demo_agent_n_steps =
	sizeof demo_agent_steps / sizeof *demo_agent_steps;
