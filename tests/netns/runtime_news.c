/*
 * runtime_news KIND=PATH...: prints what these sources tell, one JSON object a
 * line, with the milliseconds since 1970; ends by SIGTERM.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>

#include "base/bug.h"
#include "base/clock.h"
#include "base/limits.h"
#include "runtime/runtime.h"

static const char *const kinds[] = {
	[NEWS_UP] = "up",
	[NEWS_DOWN] = "down",
	[NEWS_LIST_BEGIN] = "list",
	[NEWS_LIST_END] = "listed",
	[NEWS_FOUND] = "found",
	[NEWS_GONE] = "gone",
	[NEWS_UNREADABLE] = "unreadable",
};
_Static_assert(sizeof kinds / sizeof *kinds == NEWS_KIND__MAX,
	       "one name a kind");

static void print(const struct runtime_news *n)
{
	json_t *v = json_pack("{s:s s:i s:I s:s s:s s:i s:I s:o?}", "news",
			      kinds[n->kind], "source", (int)n->source, "ms",
			      (json_int_t)(clock_unix_us() / 1000), "id", n->id,
			      "text", n->text, "pid", (int)n->pid, "ino",
			      (json_int_t)(n->ns.fd >= 0 ? n->ns.ino : 0),
			      "about", n->about ? json_incref(n->about) : NULL);
	char *text = v ? json_dumps(v, JSON_COMPACT) : NULL;

	BUG_ON(!text);
	(void)puts(text); /* a reader that is gone ends the test anyway */
	(void)fflush(stdout);
	free(text);
	json_decref(v);
}

int main(int argc, char **argv)
{
	struct runtime_spec specs[RUNTIMES_MAX];
	struct runtime_news news;
	struct runtimes *r;
	struct err err;
	sigset_t ends;
	struct pollfd p[2] = { { .events = POLLIN }, { .events = POLLIN } };
	int n = argc - 1;

	if (n < 1 || n > RUNTIMES_MAX)
		die("usage: runtime_news KIND=PATH...");
	for (int i = 0; i < n; i++) {
		char *equals = strchr(argv[i + 1], '=');

		if (!equals)
			die("KIND=PATH: %s", argv[i + 1]);
		*equals = '\0';
		specs[i].path = equals + 1;
		if (runtime_kind_parse(argv[i + 1], &specs[i].kind, &err) < 0)
			die("%s", err.text);
	}
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	BUG_ON(sigprocmask(SIG_BLOCK, &ends, NULL) < 0);
	p[0].fd = signalfd(-1, &ends, SFD_CLOEXEC);
	r = runtimes_new(specs, (size_t)n, &err);
	if (!r)
		die("%s", err.text);
	p[1].fd = runtimes_fd(r);
	do {
		while (runtimes_next(r, &news)) {
			print(&news);
			runtime_news_done(&news);
		}
		BUG_ON(poll(p, 2, -1) < 0 && errno != EINTR);
	} while (!p[0].revents);
	runtimes_free(r);
	return 0;
}
