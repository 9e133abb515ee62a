/*
 * A client of an agent that hangs: one that takes nobody out of its queue keeps
 * nobody waiting for ever.
 */
#include "door/agentclient.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "folder.h"
#include "test.h"

static int listen_at(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(strlen(path) < sizeof a.sun_path);
	memcpy(a.sun_path, path, strlen(path) + 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
	assert_int_equal(listen(fd, 0), 0);
	return fd;
}

static void test_queue_full(void **state)
{
	char *dir = folder_make();
	const char *path = folder_file(dir, "agent.sock");
	struct agentclient first, second;
	int fd = listen_at(path);
	struct timeval wait;
	socklen_t len = sizeof wait;
	struct err err;

	assert_int_equal(agentclient_open(path, &first, &err), 0);
	/* and what it sends is not cut off by that */
	assert_int_equal(
		getsockopt(first.fd, SOL_SOCKET, SO_SNDTIMEO, &wait, &len), 0);
	assert_int_equal(wait.tv_sec, 0);
	assert_int_equal(agentclient_open(path, &second, &err), -ETIMEDOUT);
	assert_non_null(strstr(err.text, "lets nobody in"));
	agentclient_done(&first);
	close(fd);
	assert_int_equal(agentclient_open(path, &first, &err), -ECONNREFUSED);
	folder_remove(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_queue_full),
	};

	return cmocka_run_group_tests_name("door_agentclient", tests, NULL,
					   NULL);
}
