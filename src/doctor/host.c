/* What the host has beside its kernel: room, time, network cards. */
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

#include "doctor/checks.h"
#include "net/link.h"

/* No clock of a host where this runs is before (2025-01-01). */
#define TIME_MIN 1735689600
/* What the store keeps free for itself (docs/decisions/0017-store.md). */
#define RESERVE_MB 8ULL

/* The next folder above that is there. */
static bool nearest(const char *dir, char ret[static PATH_MAX])
{
	(void)snprintf(ret, PATH_MAX, "%s", dir);
	while (access(ret, F_OK) < 0) {
		char *slash = strrchr(ret, '/');

		if (!slash)
			return false;
		slash[slash == ret] = '\0';
		if (slash == ret)
			return true;
	}
	return true;
}

static void tell_disk(struct doctor *d)
{
	struct doctor_check c = { .name = "state directory" };
	const char *dir = d->config.store_dir;
	unsigned long long mb, most = d->config.store_max_mb;
	char path[PATH_MAX];
	struct statvfs s;

	if (!nearest(dir, path) || statvfs(path, &s) < 0) {
		c.result = DOCTOR_NOT_LOOKED;
		doctor_tell(d, &c, "%s: %s", dir, strerror(errno));
		return;
	}
	mb = (unsigned long long)s.f_bavail * s.f_frsize >> 20;
	if (s.f_flag & ST_RDONLY) {
		c.result = DOCTOR_MISSING;
		c.means = "policy changes cannot be kept: the agent refuses "
			  "them";
		c.todo = "mount it writable, or have another store.dir";
	} else if (mb < 2 * RESERVE_MB) {
		c.result = DOCTOR_MISSING;
		c.means = "nothing is recorded, and policy changes may fail";
		c.todo =
			"make room; policies need little, records store.max_mb";
	} else if (mb < most) {
		c.result = DOCTOR_LIMITED;
		c.means = "what was recorded may not grow to store.max_mb; "
			  "when the disk is full nothing more is recorded";
		c.todo = "make room, or have a smaller store.max_mb";
	}
	doctor_tell(d, &c, "%s: %llu MB free%s, store.max_mb is %llu", dir, mb,
		    s.f_flag & ST_RDONLY ? ", read-only" : "", most);
}

static void tell_owner(struct doctor *d)
{
	struct doctor_check c = { .name = "state directory's owner" };
	struct stat st;

	if (stat(d->config.store_dir, &st) < 0) {
		doctor_tell(d, &c, "%s is not there yet", d->config.store_dir);
		return;
	}
	if (st.st_uid != 0 || st.st_mode & (S_IWGRP | S_IWOTH)) {
		c.result = DOCTOR_LIMITED;
		c.means = "who may write there may change the policy that the "
			  "agent begins with";
		c.todo = "chown root and chmod 700";
	}
	doctor_tell(d, &c, "user %u, mode %04o", (unsigned)st.st_uid,
		    (unsigned)st.st_mode & 07777);
}

static void tell_clock(struct doctor *d)
{
	struct doctor_check c = { .name = "clock" };
	struct timex t = { .modes = 0 };
	int state = adjtimex(&t);
	time_t now = time(NULL);

	if (now < TIME_MIN) {
		c.result = DOCTOR_LIMITED;
		c.means = "rules that expire, and times of events, are wrong";
		c.todo = "set it";
	} else if (state < 0) {
		c.result = DOCTOR_NOT_LOOKED;
	} else if (t.status & STA_UNSYNC) {
		c.result = DOCTOR_LIMITED;
		c.means = "times of events may not agree with other hosts'; "
			  "inspection does not depend on it";
		c.todo = "run an NTP client (chrony, systemd-timesyncd)";
	}
	doctor_tell(d, &c, "%lld, %s", (long long)now,
		    state < 0		    ? strerror(errno)
		    : t.status & STA_UNSYNC ? "not synchronised"
					    : "synchronised");
}

/* Frames that a card has put together are longer than who gets them may take. */
static bool has_lro(int fd, const char *dev)
{
	struct ethtool_value v = { .cmd = ETHTOOL_GFLAGS };
	struct ifreq r = { .ifr_data = (char *)&v };

	(void)snprintf(r.ifr_name, sizeof r.ifr_name, "%s", dev);
	return ioctl(fd, SIOCETHTOOL, &r) == 0 && v.data & ETH_FLAG_LRO;
}

static void tell_offloads(struct doctor *d)
{
	struct doctor_check c = { .name = "offloads" };
	struct link_stat *list = NULL;
	char names[128] = "";
	struct nl *nl = NULL;
	size_t n = 0, cards = 0, len = 0;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (nl_open(NULL, &nl, NULL) < 0 || link_list(nl, &list, &n, NULL) < 0)
		n = 0;
	for (size_t k = 0; k < n; k++) {
		if (list[k].kind[0] || !list[k].is_ethernet)
			continue;
		cards++;
		if (has_lro(fd, list[k].name) && len < sizeof names)
			len += (size_t)snprintf(names + len, sizeof names - len,
						" %s", list[k].name);
	}
	if (names[0]) {
		c.result = DOCTOR_LIMITED;
		c.means = "frames put together by the card (LRO) cannot be "
			  "forwarded as they were; Weir needs none of the "
			  "other offloads off";
		c.todo = "ethtool -K DEVICE lro off";
	}
	doctor_tell(d, &c,
		    "%zu network cards, LRO on:%s; segmentation and "
		    "checksums are left as they are",
		    cards, names[0] ? names : " none");
	free(list);
	nl_free(nl);
	if (fd >= 0)
		close(fd);
}

void doctor_host(struct doctor *d)
{
	d->group = "host";
	tell_disk(d);
	tell_owner(d);
	tell_clock(d);
	tell_offloads(d);
}
