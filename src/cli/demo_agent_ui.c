/*
 * The end of a demo that is kept: weir-api with the web UI, in the demo's world
 * but for the network, which is the caller's: whoever runs the demo opens the
 * link in his browser. It listens at 127.0.0.1 only.
 */
#include <errno.h>
#include <grp.h>
#include <libgen.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/demo_agent.h"
#include "cli/stop.h"

#define API_LOG	      DEMO_WORLD_DIR "/weir-api.log"
#define PORT_FIRST    8787
#define PORTS	      16
#define LINK_WAIT_MS  15000
#define LINK_EVERY_MS 50

/* In the caller's network: the first port that is free, into *arg. */
static int find_port(void *arg, struct err *reterr)
{
	unsigned *port = arg;
	int one = 1;

	for (unsigned i = 0; i < PORTS; i++) {
		struct sockaddr_in at = {
			.sin_family = AF_INET,
			.sin_port = htons((uint16_t)(PORT_FIRST + i)),
			.sin_addr = { htonl(INADDR_LOOPBACK) },
		};
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		bool is_free = fd >= 0 &&
			       setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one,
					  sizeof one) == 0 &&
			       bind(fd, (struct sockaddr *)&at, sizeof at) == 0;

		if (fd >= 0)
			close(fd);
		if (is_free) {
			*port = PORT_FIRST + i;
			return 0;
		}
	}
	return err_set(reterr, EADDRINUSE, "127.0.0.1",
		       "none of the ports %d..%d is free", PORT_FIRST,
		       PORT_FIRST + PORTS - 1);
}

bool demo_agent_find(const char *built, const char *installed,
		     char ret[static PATH_MAX])
{
	const char *const places[] = { built, installed };
	char self[PATH_MAX];
	const char *dir;

	program_self(self);
	dir = dirname(self);
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		int n = snprintf(ret, PATH_MAX, "%s/%s", dir, places[i]);

		if (n > 0 && n < PATH_MAX && access(ret, R_OK) == 0)
			return true;
	}
	ret[0] = '\0';
	return false;
}

/* As the environment says; built or installed with us; "": it is not there. */
static void find_web(char ret[static PATH_MAX])
{
	const char *given = getenv("WEIR_WEB");

	if (given && given[0])
		(void)snprintf(ret, PATH_MAX, "%s", given);
	else if (demo_agent_find("../../web/index.html",
				 "../share/weir/web/index.html", ret))
		*strrchr(ret, '/') = '\0';
}

const char *demo_agent_ui_account(const char **ret_group)
{
	const struct passwd *pw = getpwnam("weir-api");
	const struct group *g = pw ? getgrgid(pw->pw_gid) : NULL;

	*ret_group = g ? g->gr_name : "daemon"; /* every Debian has it */
	return g ? "weir-api" : "daemon";
}

/* The line of the log with the link, without what stands around it. */
static bool read_link(char *ret, size_t size)
{
	FILE *f = fopen(API_LOG, "re");
	char line[DEMO_LINK_MAX];
	bool found = false;

	while (f && !found && fgets(line, sizeof line, f)) {
		char *at = strstr(line, "http://");

		found = at && strstr(at, "token=") && strchr(at, '\n');
		if (found)
			(void)snprintf(ret, size, "%.*s",
				       (int)strcspn(at, " \n"), at);
	}
	if (f)
		(void)fclose(f); /* opened for reading */
	return found;
}

static int wait_for_link(struct demo_agent *d, struct err *reterr)
{
	usec_t begun = clock_now();
	char words[200];

	while (!read_link(d->link, sizeof d->link)) {
		if (!program_runs(&d->api) ||
		    usec_since(clock_now(), begun) / 1000 > LINK_WAIT_MS) {
			program_last_words(API_LOG, words, sizeof words);
			return err_set(reterr, EREMOTEIO, "weir-api", "%s",
				       words[0] ? words : "says nothing");
		}
		if (stop_poll(NULL, 0, LINK_EVERY_MS) < 0)
			return err_set(reterr, EINTR, NULL, "stopped");
	}
	return 0;
}

int demo_agent_ui(struct demo_agent *d, struct err *reterr)
{
	char path[PATH_MAX], web[PATH_MAX], listen[32];
	static const char state[] = DEMO_WORLD_DIR "/api";
	const char *group;
	const char *argv[] = { path,
			       "--listen",
			       listen,
			       "--state",
			       state,
			       "--user",
			       demo_agent_ui_account(&group),
			       "--web",
			       web,
			       NULL };
	unsigned port = 0;
	int rc = netns_call(&d->outside, find_port, &port, reterr);

	if (rc < 0)
		return rc;
	(void)snprintf(listen, sizeof listen, "127.0.0.1:%u", port);
	program_ours("WEIR_API", "api", "weir-api", path);
	find_web(web);
	if (!web[0])
		return err_set(reterr, ENOENT, "web",
			       "the web UI is not built here; `make build` "
			       "builds it");
	rc = program_start(&d->api, &d->outside, argv, API_LOG, reterr);
	return rc < 0 ? rc : wait_for_link(d, reterr);
}
