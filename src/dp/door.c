#include "dp/door.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"

static int address_of(const char *path, struct sockaddr_un *ret,
		      struct err *reterr)
{
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof ret->sun_path)
		return err_set(reterr, ENAMETOOLONG, path,
			       "a socket's path has at most %zu bytes",
			       sizeof ret->sun_path - 1);
	memcpy(ret->sun_path, path, strlen(path) + 1);
	return 0;
}

static void make_parents(const char *path)
{
	char part[sizeof((struct sockaddr_un *)0)->sun_path];

	for (const char *s = strchr(path + 1, '/'); s; s = strchr(s + 1, '/')) {
		memcpy(part, path, (size_t)(s - path));
		part[s - path] = '\0';
		/* what cannot be made shows when the path is bound */
		(void)mkdir(part, 0755);
	}
}

/* *ret: 0: somebody listens there; else an errno. -errno with *reterr. */
static int ask(const struct sockaddr_un *addr, int type, int *ret,
	       struct err *reterr)
{
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return err_set(reterr, errno, addr->sun_path, "%s",
			       strerror(errno));
	*ret = connect(fd, (const struct sockaddr *)addr, sizeof *addr) < 0
		       ? errno
		       : 0;
	close(fd);
	return 0;
}

/*
 * Who was killed listens until the kernel has freed his memory, which takes a
 * while: so he is given that to leave.
 */
static int ask_until_gone(const struct sockaddr_un *addr, int type, int *ret,
			  struct err *reterr)
{
	usec_t until = usec_add(clock_now(), DOOR_LEAVE_MS * 1000ULL);
	int rc = ask(addr, type, ret, reterr);

	while (rc == 0 && *ret == 0 && usec_before(clock_now(), until)) {
		(void)poll(NULL, 0, DOOR_LEAVE_MS / 40);
		rc = ask(addr, type, ret, reterr);
	}
	return rc;
}

/* Somebody listens there (may_leave: and goes on), or it is no socket: an error. */
static int clear_path(const struct sockaddr_un *addr, int type, bool may_leave,
		      struct err *reterr)
{
	struct stat st;
	int there = 0, rc;

	if (lstat(addr->sun_path, &st) < 0)
		return 0;
	if (!S_ISSOCK(st.st_mode))
		return err_set(reterr, EEXIST, addr->sun_path,
			       "exists and is no socket; left alone");
	rc = may_leave ? ask_until_gone(addr, type, &there, reterr)
		       : ask(addr, type, &there, reterr);
	if (rc < 0)
		return rc;
	if (there == ECONNREFUSED || there == ENOENT)
		/* nobody is there; who comes between now and bind() wins */
		return unlink(addr->sun_path) < 0 && errno != ENOENT
			       ? err_set(reterr, errno, addr->sun_path,
					 "cannot remove a dead socket: %s",
					 strerror(errno))
			       : 0;
	return err_set(reterr, EADDRINUSE, addr->sun_path,
		       "a running process serves this socket (another "
		       "weir-dp?)");
}

int door_bind(const char *path, int type, struct err *reterr)
{
	struct sockaddr_un addr;
	int fd, rc, on = 1;
	mode_t mask;

	rc = address_of(path, &addr, reterr);
	if (rc < 0)
		return rc;
	make_parents(path);
	rc = clear_path(&addr, type, true, reterr);
	if (rc < 0)
		return rc;
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_set(reterr, errno, path, "%s", strerror(errno));
	mask = umask(0177);
	rc = bind(fd, (struct sockaddr *)&addr, sizeof addr);
	(void)umask(mask);
	if (rc < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) < 0 ||
	    (type == SOCK_SEQPACKET && listen(fd, OWN_CLIENTS_MAX) < 0)) {
		bool bound = rc == 0;

		rc = err_set(reterr, errno, path, "cannot listen: %s",
			     strerror(errno));
		if (bound)
			(void)unlink(path); /* nobody else can have it yet */
		close(fd);
		return rc;
	}
	return fd;
}

/*
 * The bound socket's inode is not the path's, so what is at the path is asked:
 * ours, or nobody's, if nobody else accepts there. Who does is not waited for: of a
 * successor that failed it is the first one, who goes on.
 */
void door_unlink(const char *path, int fd)
{
	struct sockaddr_un addr;
	struct err ignored; /* it is not ours to tell about */
	int type;
	socklen_t len = sizeof type;

	if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0)
		return;
	close(fd);
	if (address_of(path, &addr, &ignored) == 0)
		(void)clear_path(&addr, type, false, &ignored);
}
