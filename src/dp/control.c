#include "dp/control.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/bug.h"
#include "base/limits.h"
#include "base/limits_door.h"
#include "dp/ask.h"
#include "dp/change_kept.h"
#include "dp/door.h"
#include "dp/handlers.h"
#include "dp/handover.h"
#include "dp/load.h"

/* Workers are asked that often whether an older set of rules is free. */
#define OLD_SETS_MS 1000

/* Places in the poll set; clients follow. */
enum {
	AT_SIGNAL,
	AT_OPENER,
	AT_LOST,
	AT_BUILT,
	AT_HANDOVER,
	AT_COMPAT,
	AT_OWN,
	AT_CLIENTS
};

/*
 * What is known of workloads whose mark is another one now, if by that they have
 * become another worker's: nobody would look for it there.
 */
static void forget_moved(struct control *ctl, const struct snapshot *before,
			 const struct snapshot *next)
{
	for (uint16_t i = 0; ctl->workers.n > 1 && i < ENDPOINTS_MAX; i++) {
		const struct endpoint *b = snapshot_endpoint(before, i);
		const struct endpoint *n = snapshot_endpoint(next, i);
		unsigned was = b ? workers_of(&ctl->workers, b) : 0;

		if (b && n && was != workers_of(&ctl->workers, n))
			ask_forget_moved(ctl->workers.at[was], i);
	}
}

static void publish(void *arg, const struct snapshot *next)
{
	struct control *ctl = arg;
	const struct snapshot *before = ctl->ports.snapshot;
	uint64_t generation = ports_outdate(&ctl->ports);

	ports_leave(&ctl->ports, next);
	ask_adopt(&ctl->workers, next);
	ports_arrive(&ctl->ports);
	ask_generation(&ctl->workers, generation);
	if (before)
		forget_moved(ctl, before, next);
	captures_follow(ctl, next);
}

/* A message of --load, as if it came through our own door. */
static int load_one(void *arg, const char *name, const json_t *body,
		    struct err *reterr)
{
	json_t *result = json_object();
	int rc = result ? handle_message(arg, name, body, result, NULL, NULL,
					 reterr)
			: err_set(reterr, ENOMEM, NULL, "out of memory");

	json_decref(result);
	return rc;
}

/* While a successor gets ready, who is at a door waits. */
static nfds_t fill_poll_set(const struct control *ctl,
			    const struct door_fds *doors, struct pollfd *set,
			    const struct own_clients *c)
{
	bool shut = ctl->handover.fd >= 0;

	set[AT_HANDOVER].fd = ctl->handover.fd;
	set[AT_COMPAT].fd = shut ? -1 : doors->compat;
	set[AT_OWN].fd = shut || ctl->own_opens.us ? -1 : doors->own;
	for (unsigned i = 0; i < c->n; i++)
		set[AT_CLIENTS + i] =
			(struct pollfd){ .fd = shut ? -1 : c->fds[i],
					 .events = POLLIN };
	return AT_CLIENTS + c->n;
}

static void serve_one(struct control *ctl, const struct door_fds *doors,
		      struct own_clients *c, unsigned i)
{
	bool stays = own_serve(ctl, c, i);

	if (ctl->handover.asked_by < 0)
		return;
	ctl->handover.asked_by = -1;
	if (stays)
		handover_begin(ctl, doors, own_release(c, i));
}

static void serve_clients(struct control *ctl, const struct door_fds *doors,
			  struct own_clients *c, const struct pollfd *set,
			  nfds_t n)
{
	/* backwards: who leaves is replaced by the last, which has been seen */
	for (nfds_t i = n; i > AT_CLIENTS && ctl->handover.fd < 0; i--)
		if (set[i - 1].revents)
			serve_one(ctl, doors, c,
				  (unsigned)(i - 1 - AT_CLIENTS));
}

/*
 * Who comes and cannot be let in waits in the kernel's queue, and not in a poll
 * set that is ready all the time.
 */
static void let_in(struct control *ctl, struct own_clients *clients, int fd)
{
	int rc = own_accept(clients, fd);

	if (rc == -EUSERS) {
		ctl->own_turned_away++;
	} else if (rc < 0) {
		ctl->own_pauses++;
		ctl->own_opens = usec_add(clock_now(), DOOR_PAUSE_US);
	}
}

/* How long nothing is to be done. */
static int wait_ms(const struct control *ctl, bool some_lost)
{
	usec_t now = clock_now();
	int told = told_wait_ms(&ctl->told, now);
	int notify = notify_wait_ms(&ctl->notify, now);
	int ms = notify >= 0 && notify < told ? notify : told;

	if (ctl->handover.fd >= 0) {
		usec_t until = ctl->handover.until;
		int left = (int)(usec_since(until, now) / 1000) + 1;

		ms = left < ms ? left : ms;
	}
	if (detection_has_old(ctl->detection) && ms > OLD_SETS_MS)
		ms = OLD_SETS_MS;
	if (ctl->own_opens.us && ms > DOOR_PAUSE_US / 1000)
		ms = DOOR_PAUSE_US / 1000;
	return some_lost && PORT_RETRY_MS < ms ? PORT_RETRY_MS : ms;
}

/* true: a successor carries on. */
static bool serve(struct control *ctl, const struct door_fds *doors,
		  struct pollfd *set)
{
	struct own_clients clients = { .n = 0 };
	bool some_lost = false;
	uint64_t ignored;

	set[AT_BUILT].fd = detection_fd(ctl->detection);
	for (;;) {
		int timeout = wait_ms(ctl, some_lost);
		nfds_t n;

		if (!usec_before(clock_now(), ctl->own_opens))
			ctl->own_opens = (usec_t){ 0 };
		n = fill_poll_set(ctl, doors, set, &clients);
		if (poll(set, n, timeout) < 0 && errno != EINTR)
			break;
		if (set[AT_SIGNAL].revents || set[AT_OPENER].revents)
			break;
		if (set[AT_LOST].revents &&
		    read(set[AT_LOST].fd, &ignored, sizeof ignored) > 0)
			ports_lost(&ctl->ports);
		some_lost = ports_retry(&ctl->ports);
		told_turn(&ctl->told, &ctl->workers, clock_now());
		if (ctl->handover.fd >= 0 && handover_turn(ctl))
			return true;
		detection_turn(ctl->detection, ctl->config);
		change_ports_seen(ctl, clock_now());
		notify_turn(ctl, clock_now());
		if (set[AT_COMPAT].revents)
			for (int i = 0; i < MESSAGES_PER_TURN &&
					compat_serve(ctl, doors->compat);
			     i++)
				;
		ctl->own_clients = clients.n;
		serve_clients(ctl, doors, &clients, set, n);
		if (set[AT_OWN].revents)
			let_in(ctl, &clients, doors->own);
	}
	own_close_all(ctl, &clients);
	return false;
}

static int signal_fd(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGQUIT);
	(void)sigprocmask(SIG_BLOCK, &signals, NULL);
	return signalfd(-1, &signals, SFD_CLOEXEC);
}

static int start(struct control *ctl, const struct control_begin *b,
		 int lost_fd, struct err *reterr)
{
	struct workers_options opt = { .n = b->options->workers,
				       .pools = &b->options->fit.pools,
				       .lost_fd = lost_fd,
				       .heartbeat = b->heartbeat,
				       .pulse = b->pulse };
	int rc = workers_start(&ctl->workers, &opt, reterr);
	uint64_t epoch;

	if (rc < 0)
		return rc;
	if (getrandom(&epoch, sizeof epoch, 0) != sizeof epoch)
		return err_set(reterr, EIO, NULL, "no random numbers");
	ports_init(&ctl->ports, &ctl->workers, ctl->opener_fd);
	epoch = epoch % TOLD_EPOCH_MAX + 1;
	if (kept_init(&ctl->kept) < 0 ||
	    told_init(&ctl->told, ctl->workers.n, epoch, clock_now()) < 0)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	ctl->detection = detection_start(&ctl->workers, ctl->kept.dlp, reterr);
	if (!ctl->detection)
		return -reterr->code;
	ctl->config = config_new(publish, ctl);
	return ctl->config ? 0 : err_set(reterr, ENOMEM, NULL, "out of memory");
}

static int begin(struct control *ctl, const struct control_begin *b)
{
	struct err err;

	if (opener_serves(ctl->opener_fd, &err) < 0) {
		log_error("cannot start: %s", err.text);
		return -EINVAL;
	}
	fit_bound(ctl->fit, b->fit_fd);
	if (load_each(b->load, load_one, ctl) < 0)
		return -EINVAL;
	/* nothing is let in before it is looked for */
	if (detection_settle(ctl->detection, ctl->config, &err) < 0) {
		log_error("cannot start: %s: %s", err.at, err.text);
		return -EINVAL;
	}
	notify_init(&ctl->notify, b->doors.notify >= 0, clock_now());
	if (b->from >= 0 && handover_take(ctl, b->from, &err) < 0) {
		log_error("cannot take over: %s", err.text);
		return -EINVAL;
	}
	return 0;
}

int control_run(const struct control_begin *b)
{
	const struct door_fds *doors = &b->doors;
	const struct options *opt = b->options;
	int opener_fd = b->opener_fd;
	struct control ctl = { .opener_fd = opener_fd,
			       .client = -1,
			       .answer_fd = -1,
			       .started = clock_now(),
			       .handover = { .asked_by = -1, .fd = -1 },
			       .max_flows = opt->max_flows,
			       .fit = &opt->fit,
			       .settings = inspect_settings_default() };
	struct pollfd set[AT_CLIENTS + OWN_CLIENTS_MAX];
	int lost_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int status = 1;
	struct err err;

	ctl.lost_fd = lost_fd;
	set[AT_SIGNAL] = (struct pollfd){ signal_fd(), POLLIN, 0 };
	set[AT_OPENER] = (struct pollfd){ opener_fd, POLLIN, 0 };
	set[AT_LOST] = (struct pollfd){ lost_fd, POLLIN, 0 };
	set[AT_BUILT] = (struct pollfd){ -1, POLLIN, 0 };
	set[AT_HANDOVER] = (struct pollfd){ -1, POLLIN, 0 };
	set[AT_COMPAT] = (struct pollfd){ doors->compat, POLLIN, 0 };
	set[AT_OWN] = (struct pollfd){ doors->own, POLLIN, 0 };
	if (lost_fd < 0 || set[AT_SIGNAL].fd < 0) {
		log_error("cannot start: %s", strerror(errno));
	} else if (start(&ctl, b, lost_fd, &err) < 0) {
		log_error("cannot start: %s", err.text);
	} else if (begin(&ctl, b) == 0) {
		if (b->from >= 0)
			close(b->from);
		log_info("ready: version=" WEIR_VERSION " workers=%u flows=%u",
			 opt->workers, opt->max_flows);
		/* what would be put away here is somebody else's */
		if (serve(&ctl, doors, set))
			_exit(WORKER_HANDED_OVER);
		status = 0;
	} else if (b->from >= 0) {
		/* so is this: the predecessor goes on with it */
		_exit(status);
	}
	detection_stop(ctl.detection);
	workers_stop(&ctl.workers);
	ports_done(&ctl.ports);
	config_free(ctl.config);
	kept_done(&ctl.kept);
	told_done(&ctl.told);
	if (lost_fd >= 0)
		close(lost_fd);
	if (set[AT_SIGNAL].fd >= 0)
		close(set[AT_SIGNAL].fd);
	return status;
}
