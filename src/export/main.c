/*
 * weir-export: tells other tools what the agent has seen.
 *
 *   agent ──door──▶ reader ──lines──▶ queue ─▶ output: file, socket, syslog, ...
 *                                 └─▶ queue ─▶ output   (a thread each)
 *   main thread: signals, and twice a second the two files (state.h)
 *
 * Up to where an output has got is written down only once it has: who is killed
 * sends again what it does not know to be sent, and nothing is left out.
 */
#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/manager.h"
#include "export/config.h"
#include "export/drop.h"
#include "export/outputs.h"
#include "export/reader.h"
#include "export/state.h"
#include "wire/json_memory.h"

#define CONFIG_DEFAULT "/etc/weir/export.yaml"
#define LOOK_NS	       500000000L

static const char help_text[] =
	"Usage: weir-export [OPTION]...\n"
	"\n"
	"Writes what weir-agent has seen - alerts, flows, HTTP, TLS, DNS - to "
	"files,\n"
	"sockets, syslog, webhooks and IPFIX collectors. Runs in the "
	"foreground.\n"
	"\n"
	"  --config FILE  configuration (default " CONFIG_DEFAULT ")\n"
	"  --check        only say whether the configuration is right\n"
	"  --user NAME    who to become, when started by root (weir-export)\n"
	"  -h, --help     this\n"
	"  -V, --version  version\n"
	"\n"
	"SIGHUP reads the configuration again and opens files anew; one that "
	"is wrong\n"
	"changes nothing. `weir export status` tells how each output is.\n";

struct main_state {
	const char *config_path;
	char *door, *state_path, *lock_path, *status_path;
	int lock_fd;
	struct outputs *outputs;
	struct reader *reader;
	json_t *saved;	   /* cursors as they were written last */
	bool state_failed; /* told already */
	bool status_failed;
};

/* --- the two files -------------------------------------------------------------- */

static void tell_failure(bool *failed, int rc, const struct err *err)
{
	if (rc < 0 && !*failed)
		log_warn("%s: %s, going on without it", err->at, err->text);
	*failed = rc < 0;
}

static void save_state(struct main_state *m)
{
	json_t *now = outputs_cursors(m->outputs), *file;
	struct err err;
	int rc;

	if (!now || (m->saved && json_equal(now, m->saved))) {
		json_decref(now);
		return;
	}
	file = json_pack("{s:i, s:O}", "version", 1, "outputs", now);
	rc = state_write(m->state_path, file, true, 0640, &err);
	tell_failure(&m->state_failed, rc, &err);
	json_decref(file);
	if (rc < 0) {
		json_decref(now);
		return;
	}
	json_decref(m->saved);
	m->saved = now;
}

static void save_status(struct main_state *m)
{
	json_t *o = json_pack("{s:s, s:i, s:I, s:o, s:o}", "version",
			      WEIR_VERSION, "pid", (int)getpid(), "at",
			      (json_int_t)(clock_unix_us() / USEC_PER_SEC),
			      "agent", reader_status(m->reader), "outputs",
			      outputs_status(m->outputs));
	struct err err;
	int rc = state_write(m->status_path, o, false, 0644, &err);

	tell_failure(&m->status_failed, rc, &err);
	json_decref(o);
}

/* --- configuration ------------------------------------------------------------------ */

static void reload(struct main_state *m)
{
	struct export_config c;
	struct err err = { 0 };
	int rc = export_config_read(m->config_path, &c, &err);

	if (rc == 0 &&
	    (strcmp(c.door, m->door) != 0 ||
	     strcmp(c.status, m->status_path) != 0 ||
	     strncmp(c.state_dir, m->state_path, strlen(c.state_dir)) != 0 ||
	     m->state_path[strlen(c.state_dir)] != '/')) {
		export_config_done(&c);
		rc = err_set(&err, EBUSY, NULL,
			     "agent, state and status need a restart");
	}
	if (rc < 0) {
		log_warn("configuration: %s%s%s, going on with the old one",
			 err.at, err.at[0] ? ": " : "", err.text);
		return;
	}
	reader_set_stats(m->reader, c.stats_s);
	if (outputs_apply(m->outputs, &c, &err) < 0)
		log_warn("configuration: %s, going on without that output",
			 err.text);
	else
		log_info("configuration: read again");
}

/* --- start and end ------------------------------------------------------------------ */

static int take_lock(struct main_state *m, struct err *reterr)
{
	m->lock_fd = open(m->lock_path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	if (m->lock_fd < 0)
		return err_set(reterr, errno, m->lock_path, "%s",
			       strerror(errno));
	if (flock(m->lock_fd, LOCK_EX | LOCK_NB) < 0)
		return err_set(reterr, EBUSY, m->lock_path,
			       "another weir-export runs with this state");
	return 0;
}

static void folder_of(const char *path, char *buf, size_t size)
{
	char *slash;

	(void)snprintf(buf, size, "%s", path);
	slash = strrchr(buf, '/');
	if (slash && slash != buf)
		*slash = '\0';
}

static int name_files(struct main_state *m, const struct export_config *c,
		      struct err *reterr)
{
	m->door = strdup(c->door);
	m->status_path = strdup(c->status);
	if (asprintf(&m->state_path, "%s/state.json", c->state_dir) < 0)
		m->state_path = NULL;
	if (asprintf(&m->lock_path, "%s/lock", c->state_dir) < 0)
		m->lock_path = NULL;
	if (m->door && m->status_path && m->state_path && m->lock_path)
		return 0;
	(void)err_set(reterr, ENOMEM, NULL, "out of memory");
	return -ENOMEM;
}

static int start_outputs(struct main_state *m, struct export_config *c,
			 struct err *reterr)
{
	json_t *state = NULL;
	char host[256] = "";
	struct err err;
	int rc;

	if (state_read(m->state_path, &state, &err) < 0)
		log_warn("%s: %s, beginning with what is new", err.at,
			 err.text);
	(void)gethostname(host, sizeof host - 1); /* without a name, then */
	m->outputs = outputs_new(json_object_get(state, "outputs"), host);
	json_decref(state);
	rc = m->outputs ? outputs_apply(m->outputs, c, reterr)
			: err_set(reterr, ENOMEM, NULL, "out of memory");
	return rc;
}

static int start(struct main_state *m, struct export_config *c,
		 const char *user, struct err *reterr)
{
	char status_dir[EXPORT_TEXT_MAX + 1], host[256] = "";
	const char *const folders[] = { c->state_dir, status_dir, NULL };
	uint32_t stats_s = c->stats_s;
	int rc = name_files(m, c, reterr);

	folder_of(c->status, status_dir, sizeof status_dir);
	if (rc == 0)
		rc = drop_to(user, folders, reterr);
	if (rc == 0)
		rc = take_lock(m, reterr);
	if (rc == 0 && curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		rc = err_set(reterr, EIO, NULL, "libcurl cannot be used");
	if (rc == 0)
		rc = start_outputs(m, c, reterr);
	if (rc < 0)
		return rc;
	(void)gethostname(host, sizeof host - 1); /* without a name, then */
	m->reader = reader_new(&(struct reader_spec){ .door = m->door,
						      .stats_s = stats_s,
						      .host = host },
			       m->outputs, reterr);
	return m->reader ? 0 : -reterr->code;
}

static void stop(struct main_state *m)
{
	reader_free(m->reader);
	m->reader = NULL;
	if (m->outputs) {
		outputs_end(m->outputs);
		save_state(m);
		outputs_free(m->outputs);
	}
	curl_global_cleanup();
	if (m->lock_fd >= 0)
		close(m->lock_fd);
	if (m->status_path)
		(void)unlink(m->status_path); /* nobody is there any more */
	json_decref(m->saved);
	free(m->door);
	free(m->status_path);
	free(m->state_path);
	free(m->lock_path);
}

static void take_signals(sigset_t *set)
{
	struct sigaction a = { .sa_handler = SIG_IGN };

	(void)sigaction(SIGPIPE, &a, NULL); /* told by errors */
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
	/* threads inherit it */
	(void)pthread_sigmask(SIG_BLOCK, set, NULL);
}

static void loop(struct main_state *m, const sigset_t *set)
{
	const struct timespec look = { .tv_nsec = LOOK_NS };

	for (;;) {
		int s = sigtimedwait(set, NULL, &look);

		if (s == SIGTERM || s == SIGINT)
			return;
		if (s == SIGHUP)
			reload(m);
		save_state(m);
		save_status(m);
	}
}

static int run(const char *path, struct export_config *c, const char *user)
{
	struct main_state m = { .config_path = path, .lock_fd = -1 };
	struct err err = { 0 };
	sigset_t set;
	int rc;

	take_signals(&set);
	rc = start(&m, c, user, &err);
	if (rc == 0) {
		log_info("weir-export " WEIR_VERSION " ready pid=%d",
			 (int)getpid());
		manager_tell("READY=1");
		loop(&m, &set);
		manager_tell("STOPPING=1");
	} else {
		log_error("cannot start: %s%s%s", err.at, err.at[0] ? ": " : "",
			  err.text);
	}
	stop(&m);
	export_config_done(c);
	return rc == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "check", no_argument, NULL, 'k' },
		{ "user", required_argument, NULL, 'u' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	const char *path = CONFIG_DEFAULT, *user = NULL;
	struct export_config c;
	bool only_check = false;
	struct err err = { 0 };
	int o;

	if (json_memory_watch() < 0) {
		fputs("weir-export: out of memory\n", stderr);
		return 1;
	}
	while ((o = getopt_long(argc, argv, "hV", longs, NULL)) >= 0) {
		switch (o) {
		case 'c': path = optarg; break;
		case 'k': only_check = true; break;
		case 'u': user = optarg; break;
		case 'h': fputs(help_text, stdout); return 0;
		case 'V': puts("weir-export " WEIR_VERSION); return 0;
		default: return 2;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "weir-export: %s: unexpected argument\n",
			argv[optind]);
		return 2;
	}
	if (export_config_read(path, &c, &err) < 0) {
		fprintf(stderr, "weir-export: %s%s%s\n", err.at,
			err.at[0] ? ": " : "", err.text);
		return 2;
	}
	if (!only_check)
		return run(path, &c, user);
	puts("the configuration is right");
	export_config_done(&c);
	return 0;
}
