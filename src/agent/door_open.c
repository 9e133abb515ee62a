#include "agent/door_open.h"

#include <errno.h>
#include <grp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/limits.h"

/* Is it a socket at which somebody answers? */
static bool is_answered(const struct sockaddr_un *at)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool answered = fd >= 0 && connect(fd, (const struct sockaddr *)at,
					   sizeof *at) == 0;

	if (fd >= 0)
		close(fd);
	return answered;
}

static void make_folder(const char *path)
{
	char dir[sizeof(((struct sockaddr_un *)0)->sun_path)];
	char *slash;

	(void)snprintf(dir, sizeof dir, "%s", path);
	slash = strrchr(dir, '/');
	if (!slash || slash == dir)
		return;
	*slash = '\0';
	/* there already, or bind() says what is wrong */
	(void)mkdir(dir, 0755);
}

/* The group may come in, if there is one; -1 and errno. */
static int open_for_group(const char *path, const char *name)
{
	const struct group *g = name[0] ? getgrnam(name) : NULL;

	if (!g) /* root only, as it is */
		return 0;
	if (chown(path, (uid_t)-1, g->gr_gid) < 0)
		return -1;
	return chmod(path, 0660);
}

int door_open(const char *path, const char *group, struct stat *ret_is,
	      struct err *reterr)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	mode_t before;
	int fd, rc;

	if (strlen(path) >= sizeof at.sun_path)
		return err_set(reterr, ENAMETOOLONG, "control.socket",
			       "at most %zu bytes", sizeof at.sun_path - 1);
	memcpy(at.sun_path, path, strlen(path) + 1);
	if (is_answered(&at))
		return err_set(reterr, EADDRINUSE, path,
			       "another weir-agent answers there");
	make_folder(path);
	(void)unlink(path); /* left by one that was killed; or bind() fails */
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_set(reterr, errno, NULL, "socket: %s",
			       strerror(errno));
	before = umask(0177);
	rc = bind(fd, (struct sockaddr *)&at, sizeof at);
	(void)umask(before);
	if (rc == 0)
		rc = open_for_group(path, group);
	if (rc == 0)
		rc = listen(fd, DOOR_CLIENTS_MAX);
	if (rc == 0)
		rc = stat(path, ret_is);
	if (rc < 0) {
		rc = err_set(reterr, errno, path, "%s", strerror(errno));
		close(fd);
		return rc;
	}
	return fd;
}
