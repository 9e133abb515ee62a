#include "api/link.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

void link_init(struct link *l, const char *path, unsigned wait_s)
{
	*l = (struct link){
		.path = path, .wait_s = wait_s, .client = { .fd = -1 }, .fd = -1
	};
	pthread_mutex_init(&l->lock, NULL);
}

void link_done(struct link *l)
{
	link_close(l);
	pthread_mutex_destroy(&l->lock);
}

/* false: it was cut meanwhile. */
static bool tell_fd(struct link *l, int fd)
{
	bool cut;

	pthread_mutex_lock(&l->lock);
	l->fd = fd;
	cut = l->cut;
	pthread_mutex_unlock(&l->lock);
	return !cut;
}

/* Under the lock. */
static void end(const struct link *l)
{
	if (l->fd >= 0) /* gone already: nothing to end */
		(void)shutdown(l->fd, SHUT_RDWR);
}

void link_cut(struct link *l)
{
	pthread_mutex_lock(&l->lock);
	l->cut = true;
	end(l);
	pthread_mutex_unlock(&l->lock);
}

void link_hang_up(struct link *l)
{
	pthread_mutex_lock(&l->lock);
	end(l);
	pthread_mutex_unlock(&l->lock);
}

bool link_is_cut(struct link *l)
{
	bool cut;

	pthread_mutex_lock(&l->lock);
	cut = l->cut;
	pthread_mutex_unlock(&l->lock);
	return cut;
}

void link_close(struct link *l)
{
	(void)tell_fd(l, -1); /* cut or not */
	agentclient_done(&l->client);
}

void link_trim(struct link *l)
{
	agentclient_trim(&l->client);
}

/* Nobody there any more, or something nobody asked for. */
static bool is_stale(int fd)
{
	char c;
	ssize_t n = recv(fd, &c, 1, MSG_PEEK | MSG_DONTWAIT);

	return n >= 0 || errno != EAGAIN;
}

static int set_wait(const struct link *l, struct err *reterr)
{
	struct timeval wait = { .tv_sec = l->wait_s };
	int fd = l->client.fd;

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait) < 0)
		return err_set(reterr, errno, NULL, "agent: %s",
			       strerror(errno));
	return 0;
}

static int connect_agent(struct link *l, struct err *reterr)
{
	int rc;

	if (l->client.fd >= 0 && !is_stale(l->client.fd))
		return 0;
	link_close(l);
	if (link_is_cut(l))
		return err_set(reterr, ECONNRESET, NULL, "weir-api is ending");
	rc = agentclient_open(l->path, &l->client, reterr);
	if (rc < 0) {
		l->client.fd = -1;
		/* whatever it is, it is not who asks that may not */
		reterr->code = ECONNREFUSED;
		return -ECONNREFUSED;
	}
	rc = set_wait(l, reterr);
	if (rc == 0 && !tell_fd(l, l->client.fd))
		rc = err_set(reterr, ECONNRESET, NULL, "weir-api is ending");
	if (rc < 0)
		link_close(l);
	return rc;
}

int link_ask(struct link *l, const char *command, const char *by, json_t *args,
	     struct span *ret, struct err *reterr)
{
	int rc = connect_agent(l, reterr);

	if (rc < 0) {
		json_decref(args);
		return rc;
	}
	rc = agentclient_ask_text(&l->client, command, by, args, &ret->at,
				  &ret->len, reterr);
	if (rc == -EAGAIN)
		rc = err_set(reterr, ETIMEDOUT, NULL,
			     "no answer of the agent for %u s", l->wait_s);
	if (rc <
	    0) /* its answer may come yet, and would be taken for another */
		link_close(l);
	return rc;
}

int link_next(struct link *l, struct span *ret, struct err *reterr)
{
	int rc = agentclient_next_text(&l->client, &ret->at, &ret->len, reterr);

	if (rc < 0 && rc != -EAGAIN)
		link_close(l);
	return rc;
}
