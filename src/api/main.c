/*
 * weir-api: HTTP in front of the agent's door (docs/decisions/0023). It has no
 * privilege: it opens its addresses, and becomes somebody who has nothing.
 */
#include <cap-ng.h>
#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/certificate.h"
#include "api/config.h"
#include "api/console.h"
#include "api/secret.h"
#include "api/server.h"
#include "base/limits_api.h"
#include "base/log.h"
#include "base/manager.h"
#include "wire/json_memory.h"

#define CONFIG_DEFAULT "/etc/weir/api.yaml"

static const char help_text[] =
	"Usage: weir-api [OPTION]... [COMMAND]\n"
	"\n"
	"Serves the REST API and the web UI of this host's weir-agent. Runs in "
	"the\n"
	"foreground; with a command does that and ends.\n"
	"\n"
	"  --config FILE          configuration (default " CONFIG_DEFAULT
	", if there is one)\n"
	"  --listen ADDRESS:PORT  in place of the configuration's; may come "
	"again\n"
	"  --web DIR              the web UI's files\n"
	"  --socket PATH          the agent's socket\n"
	"  --state DIR            where users, tokens and sessions are kept\n"
	"  --user NAME            whom it becomes when root starts it "
	"(default weir-api)\n"
	"  --check                only say whether the configuration is right\n"
	"  -h, --help             this\n"
	"  -V, --version          version\n"
	"\n";

/* --- options ------------------------------------------------------------------ */

enum {
	OPT_CONFIG = 256,
	OPT_LISTEN,
	OPT_WEB,
	OPT_SOCKET,
	OPT_STATE,
	OPT_USER,
	OPT_CHECK
};

struct options {
	const char *config;
	bool config_must, only_check;
	const char *web, *socket, *state, *user;
	const char *listens[API_LISTENS_MAX];
	size_t n_listens;
};

static bool add_listen(struct options *o, const char *text)
{
	if (o->n_listens == API_LISTENS_MAX) {
		fprintf(stderr, "weir-api: --listen: at most %d\n",
			API_LISTENS_MAX);
		return false;
	}
	o->listens[o->n_listens++] = text;
	return true;
}

/* -1: go on; else the exit code. */
static int read_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{ "config", required_argument, NULL, OPT_CONFIG },
		{ "listen", required_argument, NULL, OPT_LISTEN },
		{ "web", required_argument, NULL, OPT_WEB },
		{ "socket", required_argument, NULL, OPT_SOCKET },
		{ "state", required_argument, NULL, OPT_STATE },
		{ "user", required_argument, NULL, OPT_USER },
		{ "check", no_argument, NULL, OPT_CHECK },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "+hV", longs, NULL)) >= 0) {
		switch (c) {
		case OPT_CONFIG:
			o->config = optarg;
			o->config_must = true;
			break;
		case OPT_LISTEN:
			if (!add_listen(o, optarg))
				return 2;
			break;
		case OPT_WEB: o->web = optarg; break;
		case OPT_SOCKET: o->socket = optarg; break;
		case OPT_STATE: o->state = optarg; break;
		case OPT_USER: o->user = optarg; break;
		case OPT_CHECK: o->only_check = true; break;
		case 'h':
			fputs(help_text, stdout);
			fputs(console_help, stdout);
			return 0;
		case 'V': puts("weir-api " WEIR_VERSION); return 0;
		default: return 2;
		}
	}
	return -1;
}

static int replace(char **at, const char *text, struct err *reterr)
{
	char *copy;

	if (!text)
		return 0;
	copy = strdup(text);
	if (!copy)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	free(*at);
	*at = copy;
	return 0;
}

static int read_config(const struct options *o, struct api_config *c,
		       struct err *reterr)
{
	int rc = api_config_read(o->config, c, reterr);

	if (rc == -ENOENT && !o->config_must)
		rc = api_config_init(c, reterr);
	if (rc == 0)
		rc = replace(&c->web, o->web, reterr);
	if (rc == 0)
		rc = replace(&c->agent, o->socket, reterr);
	if (rc == 0)
		rc = replace(&c->state_dir, o->state, reterr);
	if (rc == 0)
		rc = replace(&c->user, o->user, reterr);
	if (rc == 0 && o->n_listens)
		c->n_listens = o->n_listens;
	for (size_t i = 0; rc == 0 && i < o->n_listens; i++) {
		rc = api_listen_parse(o->listens[i], &c->listens[i], reterr);
		if (rc < 0)
			err_prefix(reterr, "--listen");
	}
	return rc == 0 ? api_config_check(c, reterr) : rc;
}

/* --- privileges ---------------------------------------------------------------------- */

/* The folder is there, and is whose it has to be. */
static int make_folder(const char *dir, uid_t uid, gid_t gid,
		       struct err *reterr)
{
	if ((mkdir(dir, 0700) < 0 && errno != EEXIST) ||
	    (geteuid() == 0 && chown(dir, uid, gid) < 0) ||
	    (geteuid() == 0 && chmod(dir, 0700) < 0))
		return err_set(reterr, errno, dir, "%s", strerror(errno));
	return 0;
}

/*
 * Becomes nobody in particular. Who is started by somebody else than root has
 * nothing to give up.
 */
static int drop(const struct api_config *c, struct err *reterr)
{
	const struct passwd *pw = geteuid() == 0 ? getpwnam(c->user) : NULL;
	int rc;

	if (geteuid() != 0)
		return make_folder(c->state_dir, geteuid(), getegid(), reterr);
	if (!pw)
		return err_set(reterr, ENOENT, "user",
			       "there is no account %s on this host, and "
			       "weir-api does not run as root: make one "
			       "(systemd-sysusers, or useradd --system %s), or "
			       "name another with --user",
			       c->user, c->user);
	rc = make_folder(c->state_dir, pw->pw_uid, pw->pw_gid, reterr);
	if (rc < 0)
		return rc;
	if (pw->pw_uid == 0)
		log_warn("user: runs as root, because the configuration says "
			 "so; without capabilities");
	capng_clear(CAPNG_SELECT_BOTH);
	if (capng_change_id((int)pw->pw_uid, (int)pw->pw_gid,
			    CAPNG_INIT_SUPP_GRP | CAPNG_CLEAR_BOUNDING) != 0)
		return err_set(reterr, EPERM, "user",
			       "cannot become %s without capabilities",
			       c->user);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_set(reterr, errno, NULL, "no_new_privs: %s",
			       strerror(errno));
	return 0;
}

/* A descriptor a client. */
static void raise_limits(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) < 0)
		return;
	r.rlim_cur = r.rlim_max;
	/* with fewer, fewer clients are served at a time */
	(void)setrlimit(RLIMIT_NOFILE, &r);
}

/* Large answers are given back as soon as they are sent. */
static void keep_small(void)
{
	(void)mallopt(M_MMAP_THRESHOLD, 128 << 10); /* and stays there */
	(void)mallopt(M_TRIM_THRESHOLD, 1 << 20);
	(void)mallopt(M_ARENA_MAX, 2);
}

/* --- start and end --------------------------------------------------------------------- */

static void say_ready(const struct api_config *c)
{
	char text[API_LISTEN_TEXT_MAX];

	for (size_t i = 0; i < c->n_listens; i++)
		log_info("weir-api " WEIR_VERSION " ready %s://%s pid=%d",
			 c->listens[i].loopback ? "http" : "https",
			 api_listen_text(&c->listens[i], text), (int)getpid());
}

/* SIGHUP: look at the certificate now; else that is done now and then. */
static void wait_for_end(const sigset_t *set)
{
	const struct timespec pause = { .tv_sec = API_CERT_CHECK_S };
	int signal;

	do {
		signal = sigtimedwait(set, NULL, &pause);
		if (signal == SIGHUP || signal < 0)
			certificate_again();
	} while (signal == SIGHUP || signal < 0);
}

static int run(const struct api_config *c)
{
	struct server s = { 0 };
	struct err err = { 0 };
	sigset_t set;
	int rc;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	/* threads inherit it */
	(void)pthread_sigmask(SIG_BLOCK, &set, NULL);
	raise_limits();
	keep_small();
	rc = server_open(&s, c, &err);
	if (rc == 0)
		rc = drop(c, &err);
	if (rc == 0)
		rc = secret_init(&err);
	if (rc == 0)
		rc = server_start(&s, &err);
	if (rc == 0) {
		/* unless there are users */
		(void)console_setup_link(s.accounts, c, &err);
		say_ready(c);
		manager_tell("READY=1");
		wait_for_end(&set);
		manager_tell("STOPPING=1");
	} else {
		log_error("cannot start: %s%s%s", err.at, err.at[0] ? ": " : "",
			  err.text);
	}
	server_stop(&s);
	return rc == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* As whom the file belongs to. */
static int run_command(const struct api_config *c, int argc, char **argv)
{
	struct err err;

	if (drop(c, &err) == 0)
		return console_run(c, argc, argv);
	fprintf(stderr, "weir-api: %s%s%s\n", err.at, err.at[0] ? ": " : "",
		err.text);
	return 1;
}

int main(int argc, char **argv)
{
	struct options o = { .config = CONFIG_DEFAULT };
	struct api_config c = { 0 };
	struct err err;
	int rc = read_options(argc, argv, &o);

	if (rc >= 0)
		return rc;
	if (json_memory_watch() < 0) {
		fputs("weir-api: out of memory\n", stderr);
		return 1;
	}
	if (read_config(&o, &c, &err) < 0) {
		fprintf(stderr, "weir-api: %s%s%s\n", err.at,
			err.at[0] ? ": " : "", err.text);
		api_config_done(&c);
		return 2;
	}
	if (o.only_check)
		puts("the configuration is right");
	rc = o.only_check    ? 0
	     : optind < argc ? run_command(&c, argc - optind, argv + optind)
			     : run(&c);
	api_config_done(&c);
	return rc;
}
