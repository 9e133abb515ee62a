/*
 * `weir` is run as a user runs it, from its own file; what is only waited for is
 * asked of the agent directly.
 *
 * The download is read here, slowly: once enough of it came, nothing is read
 * until the rest is wanted, so TCP's window is closed and the connection is in the
 * middle, however fast it could be.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bug.h"
#include "base/clock.h"
#include "base/limits.h"
#include "cli/cli.h"
#include "cli/demo_agent.h"
#include "cli/stop.h"
#include "door/agentclient.h"

#define TRY_EVERY_MS 50
#define CONFIG	     DEMO_WORLD_DIR "/weir.yaml"
/* A port that answers does it in milliseconds; silence has no end. */
#define FETCH_SECONDS "2"
#define URL_MAX	      (IP_TEXT_MAX + 32)

/* --- weir ------------------------------------------------------------------- */

void demo_agent_tell(struct demo_agent *d, const char *command,
		     const char *text, int status)
{
	json_t *all = json_object_get(d->tale.step, "commands");

	if (!all) {
		all = json_array();
		tale_fact(&d->tale, "commands", all);
	}
	(void)json_array_append_new(all, json_pack("{s:s, s:s, s:i}", "command",
						   command, "output", text,
						   "status", status));
	while (*text) {
		size_t len = strcspn(text, "\n");

		tale_show(&d->tale, "  %.*s", (int)len, text);
		text += len + (text[len] == '\n');
	}
}

int demo_agent_weir(struct demo_agent *d, const char *words, int *ret_status,
		    struct err *reterr)
{
	char self[PATH_MAX], copy[256], command[300];
	const char *argv[PROGRAM_ARGS_MAX] = { self };
	char *text = NULL, *save = NULL;
	struct program p;
	int status = 0, n = 1, rc;

	program_self(self);
	(void)snprintf(copy, sizeof copy, "%s", words);
	(void)snprintf(command, sizeof command, "weir %s", words);
	for (char *w = strtok_r(copy, " ", &save);
	     w && n < PROGRAM_ARGS_MAX - 1; w = strtok_r(NULL, " ", &save))
		argv[n++] = w;
	tale_say(&d->tale, "$ %s", command);
	rc = program_start(&p, NULL, argv, NULL, reterr);
	if (rc == 0)
		rc = program_collect(&p, DEMO_COMMAND_WAIT_MS, &text, &status,
				     reterr);
	if (rc < 0)
		return rc;
	demo_agent_tell(d, command, text, status);
	free(text);
	if (ret_status)
		*ret_status = status;
	else if (status != CLI_OK)
		(void)tale_check(&d->tale, false, "%s failed (%d)", command,
				 status);
	return 0;
}

/* --- asking ------------------------------------------------------------------- */

int demo_agent_ask(const char *command, json_t *args, json_t **ret,
		   struct err *reterr)
{
	struct agentclient c;
	int rc = agentclient_open(AGENT_SOCKET_DEFAULT, &c, reterr);

	if (rc < 0) {
		json_decref(args);
		return rc;
	}
	rc = agentclient_ask(&c, command, args, ret, reterr);
	agentclient_done(&c);
	return rc;
}

int demo_agent_soon(struct demo_agent *d, const char *command,
		    bool (*is_so)(const json_t *answer, const void *arg),
		    const void *arg, const char *what, struct err *reterr)
{
	usec_t begun = clock_now();
	uint64_t ms = 0;
	bool so = false;

	while (!so && ms < DEMO_SOON_MS) {
		json_t *answer = NULL;

		/* An agent that has just started does not answer yet. */
		if (demo_agent_ask(command, NULL, &answer, NULL) == 0)
			so = is_so(answer, arg);
		json_decref(answer);
		ms = usec_since(clock_now(), begun) / 1000;
		if (!so && stop_poll(NULL, 0, TRY_EVERY_MS) < 0)
			return err_set(reterr, EINTR, NULL, "stopped");
	}
	(void)tale_check(&d->tale, so, "%s, %s %llu ms", what,
			 so ? "after" : "not within", (unsigned long long)ms);
	return 0;
}

/* --- the agent ------------------------------------------------------------------ */

static int write_config(const struct demo_agent *d, struct err *reterr)
{
	const char *group, *account = demo_agent_ui_account(&group);
	FILE *f = fopen(CONFIG, "we");
	char rules[PATH_MAX];
	bool there = demo_agent_find("../../../rules/builtin.rules",
				     "../share/weir/rules/builtin.rules",
				     rules);
	bool ok = f &&
		  fprintf(f,
			  "runtimes: [%s]\n"
			  "store: {dir: " DEMO_WORLD_DIR "/store}\n"
			  "control: {group: %s, api_user: %s}\n",
			  box_kind_runtimes(d->boxes.kind), group, account) > 0;

	if (ok && there)
		ok = fprintf(f, "rules: {path: '%s'}\n", rules) > 0;

	if (f && fclose(f) != 0)
		ok = false;
	return ok ? 0
		  : err_set(reterr, errno, CONFIG, "write it: %s",
			    strerror(errno));
}

static bool is_ready(const json_t *a, const void *arg)
{
	int up = 0, in_force = 0;

	(void)json_unpack((json_t *)(uintptr_t)a, "{s:{s:b}, s:{s:b}}",
			  "data_plane", "up", &up, "policy", "in_force",
			  &in_force);
	return up && in_force;
}

int demo_agent_start(struct demo_agent *d, struct err *reterr)
{
	char path[PATH_MAX];
	const char *const argv[] = { path, "--config", CONFIG, NULL };
	int rc = write_config(d, reterr);

	program_ours("WEIR_AGENT", "agent", "weir-agent", path);
	tale_say(&d->tale, "$ weir-agent --config " CONFIG);
	if (rc == 0)
		rc = program_start(&d->agent, NULL, argv, DEMO_AGENT_LOG,
				   reterr);
	return rc < 0 ? rc
		      : demo_agent_soon(d, "status", is_ready, NULL,
					"weir-agent and its data plane are up",
					reterr);
}

/* --- traffic ------------------------------------------------------------------------ */

/* The first line of what app got, and how its command ended. */
static int fetch(struct demo_agent *d, const char *url, char **ret_text,
		 int *ret_status, struct err *reterr)
{
	const char *const get[] = { "timeout", FETCH_SECONDS, "wget", "-q",
				    "-O",      "-",	      url,    NULL };
	const char *argv[PROGRAM_ARGS_MAX];
	const struct netns *ns = boxes_command(&d->boxes, BOX_APP, get, argv);
	struct program p;
	int rc = program_start(&p, ns, argv, NULL, reterr);

	return rc < 0 ? rc
		      : program_collect(&p, DEMO_COMMAND_WAIT_MS, ret_text,
					ret_status, reterr);
}

static void make_url(const struct demo_agent *d, unsigned port,
		     char ret[static URL_MAX])
{
	(void)snprintf(ret, URL_MAX,
		       port == BOX_PORT ? "http://%s/" : "http://%s:%u/",
		       d->web, port);
}

int demo_agent_try(struct demo_agent *d, unsigned port, bool *ret_got,
		   struct err *reterr)
{
	char url[URL_MAX];
	char *text = NULL;
	int status = 0, rc;

	make_url(d, port, url);
	rc = fetch(d, url, &text, &status, reterr);
	if (rc == 0)
		*ret_got = status == 0 && text[0];
	free(text);
	return rc;
}

int demo_agent_fetch(struct demo_agent *d, unsigned port, bool want,
		     const char *what, struct err *reterr)
{
	char url[URL_MAX], command[256];
	char *text = NULL;
	int status = 0, rc;
	bool got;

	make_url(d, port, url);
	(void)snprintf(command, sizeof command,
		       "%s timeout " FETCH_SECONDS " wget -q -O - %s",
		       boxes_typed(&d->boxes, BOX_APP), url);
	tale_say(&d->tale, "$ %s", command);
	rc = fetch(d, url, &text, &status, reterr);
	if (rc < 0)
		return rc;
	got = status == 0 && text[0];
	demo_agent_tell(d, command,
			status == 128 + SIGTERM ? "(no answer, Terminated)"
						: text,
			status);
	(void)tale_check(&d->tale, got == want, "%s: port %u %s", what, port,
			 got	  ? "answers"
			 : status ? "does not answer"
				  : "gives nothing");
	free(text);
	return 0;
}

/* --- the download -------------------------------------------------------------------- */

/* Checks what comes until *at is `end` or there is no more. */
static int read_numbers(struct demo_agent *d, uint64_t *at, uint64_t end,
			struct err *reterr)
{
	struct pollfd p = { .fd = d->download.out, .events = POLLIN };
	uint64_t number;
	size_t have = 0;

	while (*at < end) {
		ssize_t n;
		int rc = stop_poll(&p, 1, DEMO_SOON_MS);

		if (rc == -EINTR)
			return err_set(reterr, EINTR, NULL, "stopped");
		n = rc == 0 ? 0
			    : read(p.fd, (char *)&number + have,
				   sizeof number - have);
		if (n <= 0)
			return 0;
		have += (size_t)n;
		if (have < sizeof number)
			continue;
		if (number != *at / sizeof number)
			return err_set(reterr, EBADMSG, NULL,
				       "the download is damaged at byte %llu",
				       (unsigned long long)*at);
		*at += sizeof number;
		have = 0;
	}
	return 0;
}

int demo_agent_download(struct demo_agent *d, uint64_t bytes,
			struct err *reterr)
{
	char url[URL_MAX];
	const char *const get[] = { "wget", "-q", "-O", "-", url, NULL };
	const char *argv[PROGRAM_ARGS_MAX];
	const struct netns *ns = boxes_command(&d->boxes, BOX_APP, get, argv);
	int rc;

	(void)snprintf(url, sizeof url, "http://%s/big", d->web);
	tale_say(&d->tale, "$ %s wget -q -O - %s",
		 boxes_typed(&d->boxes, BOX_APP), url);
	rc = program_start(&d->download, ns, argv, NULL, reterr);
	d->downloaded = 0;
	if (rc == 0)
		rc = read_numbers(d, &d->downloaded, bytes, reterr);
	if (rc == 0)
		(void)tale_check(&d->tale, d->downloaded == bytes,
				 "%llu of %d MiB have come, and it waits",
				 (unsigned long long)d->downloaded >> 20,
				 BOX_FILE_BYTES >> 20);
	return rc;
}

int demo_agent_download_rest(struct demo_agent *d, struct err *reterr)
{
	int rc = read_numbers(d, &d->downloaded, UINT64_MAX, reterr);

	if (rc == 0)
		(void)tale_check(&d->tale, d->downloaded == BOX_FILE_BYTES,
				 "the download went on: %llu of %d bytes, each "
				 "in its place",
				 (unsigned long long)d->downloaded,
				 BOX_FILE_BYTES);
	(void)program_end(&d->download, SIGTERM, DEMO_SOON_MS);
	return rc;
}
