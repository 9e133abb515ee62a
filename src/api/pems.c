/*
 * weir-api has no privilege when it serves, and a key is often root's alone. So a
 * process is left behind that can read what root can (CAP_DAC_READ_SEARCH) under
 * weir-api's account, and does one thing: a byte comes, and it answers with what
 * stands in two files that were named when it started.
 *
 *   weir-api ──'?'──▶ reader        struct sizes, then the cert, then the key; or
 *            ◀─PEM──                struct sizes with an error
 *
 * The other way nothing comes from the network. It cannot be traced by weir-api,
 * which has fewer capabilities, and ends when weir-api's end of the socket is closed.
 */
#include "api/pems.h"

#include <cap-ng.h>
#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits_api.h"

struct sizes {
	size_t cert, key;
	struct err err; /* code 0: there is none */
};

static int reader = -1; /* our end of the socket */
static pid_t reader_pid;

void pems_done(struct pems *p)
{
	free(p->cert);
	if (p->key)
		sodium_memzero(p->key, strlen(p->key));
	free(p->key);
	*p = (struct pems){ NULL, NULL };
}

static bool send_all(int fd, const void *at, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, at, len, MSG_NOSIGNAL);

		if (n <= 0)
			return false;
		at = (const char *)at + n;
		len -= (size_t)n;
	}
	return true;
}

static bool take_all(int fd, void *at, size_t len)
{
	return len == 0 || recv(fd, at, len, MSG_WAITALL) == (ssize_t)len;
}

/* --- the reader ------------------------------------------------------------------- */

static char *load(const char *path, size_t *ret, struct err *reterr)
{
	char *text = file_load(path, API_PEM_BYTES_MAX, ret, reterr);

	if (text && !text[0])
		(void)err_set(reterr, EINVAL, path, "is empty");
	return text;
}

static bool answer(int fd, const struct api_config *c)
{
	struct sizes s = { 0 };
	struct pems p = { load(c->cert, &s.cert, &s.err), NULL };
	bool ok;

	if (!s.err.code)
		p.key = load(c->key, &s.key, &s.err);
	if (s.err.code)
		s.cert = s.key = 0;
	ok = send_all(fd, &s, sizeof s) && send_all(fd, p.cert, s.cert) &&
	     send_all(fd, p.key, s.key);
	pems_done(&p);
	return ok;
}

/* Keeps of root's rights the one to read. Who is not root has what he has. */
static bool become_reader(const struct api_config *c)
{
	const struct passwd *pw;

	if (geteuid() == 0) {
		pw = getpwnam(c->user); /* main() says if there is none */
		capng_clear(CAPNG_SELECT_BOTH);
		if (!pw ||
		    capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED,
				 CAP_DAC_READ_SEARCH) < 0 ||
		    capng_change_id((int)pw->pw_uid, (int)pw->pw_gid,
				    CAPNG_INIT_SUPP_GRP |
					    CAPNG_CLEAR_BOUNDING) != 0)
			return false;
	}
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_NAME, "weir-api-pems") == 0;
}

static void be_reader(int fd, const struct api_config *c)
{
	bool goes_on = become_reader(c);
	char asked;

	while (goes_on)
		goes_on = recv(fd, &asked, 1, 0) == 1 && answer(fd, c);
	_exit(0);
}

/* --- weir-api ---------------------------------------------------------------------- */

int pems_start(const struct api_config *c, struct err *reterr)
{
	const struct timeval patience = { .tv_sec = API_PEM_WAIT_S };
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return err_set(reterr, errno, NULL, "no socket: %s",
			       strerror(errno));
	reader_pid = fork();
	if (reader_pid < 0) {
		(void)err_set(reterr, errno, NULL, "no process: %s",
			      strerror(errno));
		close(fds[0]);
		close(fds[1]);
		return -reterr->code;
	}
	if (reader_pid == 0) {
		close(fds[0]);
		be_reader(fds[1], c);
	}
	close(fds[1]);
	reader = fds[0];
	/* cannot fail: it is a socket */
	(void)setsockopt(reader, SOL_SOCKET, SO_RCVTIMEO, &patience,
			 sizeof patience);
	return 0;
}

/* Of a size that was said; NUL behind it. */
static char *take_text(size_t len)
{
	char *text = len <= API_PEM_BYTES_MAX ? malloc(len + 1) : NULL;

	if (!text || !take_all(reader, text, len)) {
		free(text);
		return NULL;
	}
	text[len] = '\0';
	return text;
}

static int gone(struct err *reterr)
{
	/* what comes later would be taken for the answer to another question */
	pems_stop();
	return err_set(reterr, EPIPE, "tls",
		       "who reads the files is gone; restart weir-api");
}

int pems_read(struct pems *ret, struct err *reterr)
{
	struct sizes s;
	struct pems p;

	if (reader < 0 || !send_all(reader, "?", 1) ||
	    !take_all(reader, &s, sizeof s))
		return gone(reterr);
	if (s.err.code)
		return err_set(reterr, s.err.code, s.err.at, "%s", s.err.text);
	p.cert = take_text(s.cert);
	p.key = p.cert ? take_text(s.key) : NULL;
	if (!p.key) {
		pems_done(&p);
		return gone(reterr);
	}
	*ret = p;
	return 0;
}

void pems_stop(void)
{
	if (reader < 0)
		return;
	close(reader);
	reader = -1;
	/* one that hangs in a file system is not waited for */
	(void)waitpid(reader_pid, NULL, WNOHANG);
}
