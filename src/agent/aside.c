#include "agent/aside.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/limits_door.h"

struct aside {
	struct aside *next;
	struct agent *agent;
	const struct aside_work *w;
	void *job;
	pthread_t thread;
	int fd; /* eventfd: it is over */
	struct loop_fd *loop_fd;
};

static void *thread(void *arg)
{
	struct aside *s = arg;

	s->w->work(s->job);
	/* an eventfd takes its first number */
	(void)eventfd_write(s->fd, 1);
	return NULL;
}

/* It is in the list no more. */
static void end(struct aside *s)
{
	(void)pthread_join(s->thread, NULL); /* it is ours, and once */
	loop_remove(s->loop_fd);
	close(s->fd);
	s->w->done(s->agent, s->job);
	free(s);
}

static void on_end(void *arg, uint32_t events)
{
	struct aside *s = arg, **at = &s->agent->asides;

	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	end(s);
}

static int begin(struct aside *s, struct err *reterr)
{
	int rc;

	s->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->fd < 0)
		return err_set(reterr, errno, NULL, "eventfd: %s",
			       strerror(errno));
	s->loop_fd = loop_add(s->agent->loop, s->fd, EPOLLIN, on_end, s);
	rc = s->loop_fd ? pthread_create(&s->thread, NULL, thread, s) : ENOMEM;
	if (rc == 0)
		return 0;
	loop_remove(s->loop_fd);
	close(s->fd);
	return err_set(reterr, rc, NULL, "no thread: %s", strerror(rc));
}

int aside_run(struct agent *a, const struct aside_work *w, void *job,
	      struct err *reterr)
{
	struct aside *s;
	unsigned n = 0;
	int rc;

	for (s = a->asides; s; s = s->next)
		n++;
	if (n >= ASIDE_MAX)
		return err_set(reterr, EAGAIN, NULL,
			       "too much is under way already");
	s = calloc(1, sizeof *s);
	if (!s)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	*s = (struct aside){ .agent = a, .w = w, .job = job };
	rc = begin(s, reterr);
	if (rc < 0) {
		free(s);
		return rc;
	}
	s->next = a->asides;
	a->asides = s;
	return 0;
}

void aside_stop(struct agent *a)
{
	struct aside *s;

	while ((s = a->asides)) {
		a->asides = s->next;
		end(s);
	}
}
