/*
 * The file is what the memory is - struct link_stat, four batches of netlink
 * requests, the sysctls - behind a head with their sizes. It is written by one
 * process and read by the same program a moment later, never kept over a
 * reboot (/run), so another layout is no format to convert but not ours.
 *
 * A namespace's inode number is used again after it ended; whoever reads
 * compares the device's name and MAC with what he knows.
 */
#include "net/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/limits.h"

#define BATCHES 4

struct journal_head {
	char magic[8];
	uint32_t link_bytes, sysctl_bytes;
	uint32_t sysctls, unsettled, nexthop_objects, unused;
	struct {
		uint32_t bytes, count;
	} batch[BATCHES];
};

static const char magic[8] = "weir jr1";

static void path_of(uint64_t ns_ino, uint32_t ifindex, const char *suffix,
		    char ret[static 96])
{
	(void)snprintf(ret, 96, JOURNAL_DIR "/splice-%llu-%u%s",
		       (unsigned long long)ns_ino, ifindex, suffix);
}

/* Takes the batches in the order of the file. */
static void batches_of(struct ifconf_state *c, struct nl_batch *ret[BATCHES])
{
	ret[0] = &c->addrs;
	ret[1] = &c->settle;
	ret[2] = &c->routes;
	ret[3] = &c->neighs;
}

static bool write_all(int fd, const void *from, size_t len)
{
	const char *p = from;

	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

static bool write_parts(int fd, struct ifconf_state *c, bool unsettled)
{
	struct journal_head h = {
		.link_bytes = sizeof c->link,
		.sysctl_bytes = sizeof *c->sysctl,
		.sysctls = (uint32_t)c->sysctls,
		.unsettled = unsettled,
		.nexthop_objects = c->nexthop_objects,
	};
	struct nl_batch *b[BATCHES];
	bool ok;

	memcpy(h.magic, magic, sizeof magic);
	batches_of(c, b);
	for (unsigned i = 0; i < BATCHES; i++) {
		h.batch[i].bytes = (uint32_t)b[i]->len_bytes;
		h.batch[i].count = b[i]->count;
	}
	ok = write_all(fd, &h, sizeof h) &&
	     write_all(fd, &c->link, sizeof c->link);
	for (unsigned i = 0; ok && i < BATCHES; i++)
		ok = write_all(fd, b[i]->buf, b[i]->len_bytes);
	return ok && write_all(fd, c->sysctl, c->sysctls * sizeof *c->sysctl);
}

int journal_write(uint64_t ns_ino, const struct ifconf_state *c, bool unsettled,
		  struct err *reterr)
{
	struct ifconf_state copy = *c; /* its pointers are only read */
	char path[96], temp[96];
	int fd, rc = 0;

	path_of(ns_ino, c->link.ifindex, "", path);
	path_of(ns_ino, c->link.ifindex, ".new", temp);
	if (mkdir(JOURNAL_DIR, 0755) < 0 && errno != EEXIST)
		return err_set(reterr, errno, NULL, "make %s: %s", JOURNAL_DIR,
			       strerror(errno));
	(void)unlink(temp); /* one that was not finished */
	fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_set(reterr, errno, NULL, "make %s: %s", temp,
			       strerror(errno));
	if (!write_parts(fd, &copy, unsettled))
		rc = -errno;
	if (close(fd) < 0 && rc == 0)
		rc = -errno;
	if (rc == 0 && rename(temp, path) < 0)
		rc = -errno;
	if (rc < 0) {
		(void)unlink(temp); /* rc tells what went wrong */
		return err_set(reterr, -rc, NULL, "write %s: %s", path,
			       strerror(-rc));
	}
	return 0;
}

/* --- reading ----------------------------------------------------------- */

/* Whole requests of kinds that a batch of this sort holds, and no more. */
static bool batch_is_sound(struct bytes b, uint32_t count)
{
	struct nlmsghdr msg;

	while (count-- > 0) {
		struct bytes at = b;

		if (!take_copy(&at, &msg, sizeof msg) ||
		    msg.nlmsg_len < sizeof msg ||
		    (msg.nlmsg_type != RTM_NEWADDR &&
		     msg.nlmsg_type != RTM_NEWROUTE &&
		     msg.nlmsg_type != RTM_NEWNEIGH) ||
		    !take_skip(&b, MNL_ALIGN((size_t)msg.nlmsg_len)))
			return false;
	}
	return bytes_len(b) == 0;
}

static bool take_batch(struct bytes *from, uint32_t len, uint32_t count,
		       struct nl_batch *ret)
{
	struct bytes part;

	if (!take_bytes(from, len, &part) || !batch_is_sound(part, count))
		return false;
	if (len == 0)
		return true;
	ret->buf = malloc(len);
	if (!ret->buf)
		return false;
	memcpy(ret->buf, part.begin, len);
	ret->len_bytes = ret->size_bytes = len;
	ret->count = count;
	return true;
}

static bool is_text(const char *s, size_t size)
{
	return memchr(s, '\0', size) != NULL;
}

static bool take_sysctls(struct bytes *from, uint32_t count,
			 struct ifconf_state *ret)
{
	if (count > IFCONF_SYSCTLS_MAX)
		return false;
	ret->sysctl = calloc(count + 1, sizeof *ret->sysctl);
	if (!ret->sysctl ||
	    !take_copy(from, ret->sysctl, count * sizeof *ret->sysctl))
		return false;
	ret->sysctls = count;
	for (uint32_t i = 0; i < count; i++) {
		const struct ifsysctl *s = &ret->sysctl[i];

		if (!is_text(s->dir, sizeof s->dir) ||
		    !is_text(s->name, sizeof s->name) ||
		    !is_text(s->value, sizeof s->value) || strchr(s->name, '/'))
			return false;
	}
	return true;
}

static bool take_parts(struct bytes from, struct ifconf_state *ret,
		       bool *ret_unsettled)
{
	struct journal_head h;
	struct nl_batch *b[BATCHES];

	if (!take_copy(&from, &h, sizeof h) ||
	    memcmp(h.magic, magic, sizeof magic) != 0 ||
	    h.link_bytes != sizeof ret->link ||
	    h.sysctl_bytes != sizeof *ret->sysctl ||
	    !take_copy(&from, &ret->link, sizeof ret->link) ||
	    !is_text(ret->link.name, sizeof ret->link.name) ||
	    !is_text(ret->link.alias, sizeof ret->link.alias))
		return false;
	batches_of(ret, b);
	for (unsigned i = 0; i < BATCHES; i++)
		if (!take_batch(&from, h.batch[i].bytes, h.batch[i].count,
				b[i]))
			return false;
	ret->nexthop_objects = h.nexthop_objects != 0;
	*ret_unsettled = h.unsettled != 0;
	return take_sysctls(&from, h.sysctls, ret) && bytes_len(from) == 0;
}

/* The whole file; NULL with errno. */
static uint8_t *read_file(const char *path, size_t *ret_len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;
	uint8_t *buf = NULL;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    st.st_uid != geteuid() || st.st_size <= 0 ||
	    st.st_size > JOURNAL_BYTES_MAX)
		errno = EBADMSG;
	else
		buf = malloc((size_t)st.st_size);
	if (buf && read(fd, buf, (size_t)st.st_size) != st.st_size) {
		free(buf);
		buf = NULL;
		errno = EBADMSG;
	}
	(void)close(fd); /* opened for reading */
	if (buf)
		*ret_len = (size_t)st.st_size;
	return buf;
}

int journal_read(uint64_t ns_ino, uint32_t ifindex, struct ifconf_state *ret,
		 bool *ret_unsettled, struct err *reterr)
{
	struct ifconf_state c = { 0 };
	char path[96];
	uint8_t *buf;
	size_t len;
	bool sound;

	path_of(ns_ino, ifindex, "", path);
	buf = read_file(path, &len);
	if (!buf)
		return err_set(reterr, errno, NULL, "read %s: %s", path,
			       strerror(errno));
	sound = take_parts(bytes_of(buf, len), &c, ret_unsettled);
	free(buf);
	if (!sound) {
		ifconf_done(&c);
		return err_set(reterr, EBADMSG, NULL,
			       "%s was not written by this version of weir",
			       path);
	}
	*ret = c;
	return 0;
}

void journal_remove(uint64_t ns_ino, uint32_t ifindex)
{
	char path[96];

	path_of(ns_ino, ifindex, "", path);
	(void)unlink(path); /* none is as good */
}
