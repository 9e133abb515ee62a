#include "agent/blame.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/limits_door.h"

/* What a report says so far of who was at what. */
struct told {
	unsigned n; /* of the rows that follow */
	struct row {
		long worker, thread;
		struct mac macs[2];
	} at[WORKERS_MAX];
	long hung, thread; /* worker; thread that died; -1: not told */
};

/* -1: it is not there. */
static long number_behind(const char *line, const char *key)
{
	const char *at = strstr(line, key);

	return at ? strtol(at + strlen(key), NULL, 10) : -1;
}

/* "... SOURCE>DESTINATION" at its end. */
static void read_frame(struct told *t, char *line)
{
	char *to = strchr(line, '>'), *from = strrchr(line, ' ');
	struct row r = { .worker = number_behind(line, " worker="),
			 .thread = number_behind(line, " thread=") };

	if (t->n == WORKERS_MAX || !to || !from || from > to)
		return;
	*to = '\0';
	if (mac_parse(to + 1, &r.macs[0]) == 0 &&
	    mac_parse(from + 1, &r.macs[1]) == 0)
		t->at[t->n++] = r;
}

static void read_line(struct told *t, char *line)
{
	line[strcspn(line, "\n")] = '\0';
	if (strncmp(line, "crash: ", 7) == 0)
		t->thread = number_behind(line, " thread=");
	else if (strncmp(line, "hung: ", 6) == 0)
		t->hung = number_behind(line, " worker=");
	else if (strncmp(line, "frame: ", 7) == 0)
		read_frame(t, line);
}

/* NULL: it cannot be said. */
static const struct row *find(const struct told *t)
{
	if (t->hung < 0 && t->thread < 0)
		return t->n == 1 ? &t->at[0] : NULL;
	for (unsigned i = 0; i < t->n; i++)
		if (t->hung >= 0 ? t->at[i].worker == t->hung
				 : t->at[i].thread == t->thread)
			return &t->at[i];
	return NULL;
}

bool blame_read(const char *report, struct mac ret[2])
{
	struct told t = { .hung = -1, .thread = -1 };
	FILE *f = fopen(report, "re");
	const struct row *r;
	char line[256];
	size_t left = (size_t)2 * WATCHDOG_REPORT_BYTES;

	if (!f)
		return false;
	while (left >= sizeof line && fgets(line, sizeof line, f)) {
		left -= strlen(line);
		read_line(&t, line);
	}
	(void)fclose(f);
	r = find(&t);
	if (r)
		memcpy(ret, r->macs, sizeof r->macs);
	return r;
}
