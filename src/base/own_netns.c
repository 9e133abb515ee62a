#include "base/own_netns.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

int own_netns_id(uint64_t *ret, struct err *reterr)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof *ret;
	struct stat st;
	int rc;

	if (fd < 0)
		return err_set(reterr, errno, NULL, "socket: %s",
			       strerror(errno));
	rc = getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, ret, &len);
	rc = rc < 0 ? errno : 0;
	close(fd);
	if (rc == 0)
		return 0;
	/* only a kernel that has none: else it had another name before */
	if (rc != ENOPROTOOPT)
		return err_set(reterr, rc, NULL, "own namespace: %s",
			       strerror(rc));
	if (stat("/proc/thread-self/ns/net", &st) < 0)
		return err_set(reterr, errno, NULL, "own namespace: %s",
			       strerror(errno));
	*ret = st.st_ino;
	return 0;
}
