#include "dp/watchdog.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/limits_door.h"
#include "base/log.h"

#define PREFIX "weir-dp-"

int watchdog_wait_ms(const struct watchdog *w)
{
	return w->pulse ? WATCHDOG_LOOK_MS : -1;
}

/* The worker whose pulse is that old. */
static unsigned find(const struct pulse *p, usec_t oldest)
{
	unsigned i = 0;

	while (i + 1 < WORKERS_MAX &&
	       atomic_load_explicit(&p->of[i].at_us, memory_order_relaxed) !=
		       oldest.us)
		i++;
	return i;
}

static void tell(struct watchdog *w, usec_t oldest, usec_t now)
{
	unsigned i = find(w->pulse, oldest);
	int tid = atomic_load_explicit(&w->pulse->of[i].tid,
				       memory_order_relaxed);

	w->told = now;
	w->stuck = i;
	log_error("watchdog: a worker hangs, ending it: worker=%u for_ms=%llu",
		  i, (unsigned long long)(usec_since(now, oldest) / 1000));
	/* the kernel sees to it that the thread is that process's */
	if (syscall(SYS_tgkill, w->child, tid, SIGABRT) < 0)
		(void)kill(w->child, SIGABRT);
}

void watchdog_look(struct watchdog *w, usec_t now)
{
	usec_t before = w->looked, oldest;

	if (!w->pulse || usec_since(now, before) < WATCHDOG_LOOK_MS * 1000ULL)
		return;
	w->looked = now;
	if (w->told.us) {
		if (usec_since(now, w->told) > WATCHDOG_KILL_US)
			(void)kill(w->child, SIGKILL);
		return;
	}
	oldest = pulse_oldest(w->pulse);
	if (usec_since(now, before) > 2000ULL * WATCHDOG_LOOK_MS ||
	    oldest.us == 0 || oldest.us > now.us ||
	    usec_since(now, oldest) < WATCHDOG_US)
		w->stale = 0;
	else if (++w->stale >= WATCHDOG_LOOKS)
		tell(w, oldest, now);
}

/* --- files ------------------------------------------------------------------ */

static int is_report(const struct dirent *d)
{
	return strncmp(d->d_name, PREFIX, sizeof PREFIX - 1) == 0;
}

/* Names begin with the time, so the first are the oldest. */
static void remove_old(const char *dir)
{
	struct dirent **list;
	int n = scandir(dir, &list, is_report, alphasort);
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (int i = 0; i < n; i++) {
		/* one that stays is one too many, and no more */
		if (fd >= 0 && i < n - (WATCHDOG_FILES - 1))
			(void)unlinkat(fd, list[i]->d_name, 0);
		free(list[i]);
	}
	if (n >= 0)
		free(list);
	if (fd >= 0)
		close(fd);
}

/*
 * "aa:bb:cc:dd:ee:ff>11:22:..." of what stands there: source, destination. The agent
 * reads it (agent/blame.c).
 */
static void write_frames(const struct pulse *p, FILE *f)
{
	uint32_t n = atomic_load_explicit(&p->n, memory_order_relaxed);

	for (unsigned i = 0; i < n && i < WORKERS_MAX; i++) {
		char from[MAC_TEXT_MAX], to[MAC_TEXT_MAX];
		uint8_t macs[16];
		uint64_t at[2];
		struct mac src, dst;

		for (int k = 0; k < 2; k++)
			at[k] = atomic_load_explicit(&p->of[i].frame[k],
						     memory_order_relaxed);
		memcpy(macs, at, sizeof macs);
		memcpy(dst.b, macs, 6);
		memcpy(src.b, macs + 6, 6);
		(void)fprintf(f, "%sframe: worker=%u thread=%d %s>%s\n",
			      atomic_load_explicit(&p->of[i].at_frame,
						   memory_order_relaxed)
				      ? ""
				      : "last ",
			      i,
			      atomic_load_explicit(&p->of[i].tid,
						   memory_order_relaxed),
			      mac_format(src, from), mac_format(dst, to));
	}
}

static void copy(int from, FILE *to)
{
	char buf[4096];
	off_t at = 0;
	ssize_t n;

	while (at < WATCHDOG_REPORT_BYTES &&
	       (n = pread(from, buf, sizeof buf, at)) > 0) {
		(void)fwrite(buf, 1, (size_t)n, to);
		at += n;
	}
}

void watchdog_keep(const struct watchdog *w, const char *dir, int report_fd,
		   int signal_number)
{
	char path[512], when[32];
	time_t now = time(NULL);
	struct tm tm;
	FILE *f;
	int fd;

	if (!dir || !gmtime_r(&now, &tm) ||
	    strftime(when, sizeof when, "%Y%m%dT%H%M%SZ", &tm) == 0)
		return;
	(void)mkdir(dir, 0700);
	remove_old(dir);
	(void)snprintf(path, sizeof path, "%s/" PREFIX "%s-%d.txt", dir, when,
		       (int)getpid());
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
		  0600);
	f = fd < 0 ? NULL : fdopen(fd, "w");
	if (!f) {
		log_warn("watchdog: no report is kept: %s path=%s",
			 strerror(errno), path);
		if (fd >= 0)
			close(fd);
		return;
	}
	(void)fprintf(f, "died: version=" WEIR_VERSION " signal=%d%s\n",
		      signal_number, w->told.us ? " it hung" : "");
	if (w->told.us)
		(void)fprintf(f, "hung: worker=%u\n", w->stuck);
	if (w->pulse)
		write_frames(w->pulse, f);
	if (report_fd >= 0)
		copy(report_fd, f);
	if (fclose(f) != 0)
		log_warn("watchdog: the report is not whole: %s path=%s",
			 strerror(errno), path);
	else
		log_info("watchdog: report kept path=%s", path);
}
